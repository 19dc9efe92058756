import { z } from 'zod';
import { isTerminal, type JobProgress, jobProgressSchema, jobStatuses } from '../../shared/contracts/job.ts';
import { getJobOperation, type job as jobSchema, streamJobEventsOperation } from '../../shared/http/jobs.ts';
import type { Client } from './client.ts';
import type { ServerSentEvent } from './event-stream.ts';
import { type FollowOptions, followToEnd } from './follow.ts';

export type Job = z.output<typeof jobSchema>;

export interface FollowJobOptions extends FollowOptions {
  onProgress?: (progress: JobProgress) => void;
  onLog?: (message: string) => void;
}

const statusData = z.object({ status: z.enum(jobStatuses) });
const logData = z.object({ message: z.string() });

/** @returns the job, when it has ended */
export function followJob(client: Client, jobId: string, options: FollowJobOptions): Promise<Job> {
  const followed = {
    events: (lastEventId: string) =>
      client.events(streamJobEventsOperation, jobId, lastEventId, options.signal),
    onEvent: (event: ServerSentEvent) => passOn(event, options),
    look: () => client.read(getJobOperation, { params: { id: jobId } }),
    onLook: (job: Job) => void (job.progress && options.onProgress?.(job.progress)),
    hasEnded: (job: Job) => isTerminal(job.status),
    again: `jobs follow ${jobId}`,
  };
  return followToEnd(client, followed, options);
}

function passOn({ event, data }: ServerSentEvent, { onProgress, onLog }: FollowJobOptions): boolean {
  const value: unknown = JSON.parse(data);
  const progress = event === 'progress' ? jobProgressSchema.safeParse(value).data : undefined;
  if (progress) onProgress?.(progress);
  const log = event === 'log' ? logData.safeParse(value).data : undefined;
  if (log) onLog?.(log.message);
  const status = statusData.safeParse(value).data?.status;
  return event === 'result' || (status !== undefined && isTerminal(status));
}
