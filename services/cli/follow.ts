import { z } from 'zod';
import { isTerminal, type JobProgress, jobProgressSchema, jobStatuses } from '../../shared/contracts/job.ts';
import { getJobOperation, type job as jobSchema } from '../../shared/http/jobs.ts';
import { backoffMs, sleep } from '../../shared/kernel/time.ts';
import type { Client } from './client.ts';
import type { ServerSentEvent } from './event-stream.ts';
import { CliFailure } from './failure.ts';

/**
 * Follows a job to its end over its event stream. A lost stream is taken up again after the last event seen;
 * one that fails several times in a row is given up for polling (some proxies hold streams back). An API that
 * is away is waited for, as long as `patienceMs`: the job goes on without it.
 */
export type Job = z.output<typeof jobSchema>;

export interface FollowOptions {
  signal: AbortSignal;
  onProgress?: (progress: JobProgress) => void;
  onLog?: (message: string) => void;
  /** The pause between two looks, in milliseconds; doubles up to two seconds while the API is away. */
  retryMs?: number;
  patienceMs?: number;
}

const maxStreamFailures = 3;
const statusData = z.object({ status: z.enum(jobStatuses) });
const logData = z.object({ message: z.string() });

/** @returns the job, when it has ended */
export async function followJob(client: Client, jobId: string, options: FollowOptions): Promise<Job> {
  const { signal, onProgress, retryMs = 300, patienceMs = 60_000 } = options;
  const stream = { lastEventId: '', failures: 0 };
  let heardAt = performance.now();
  for (let silent = 0; ; silent++) {
    const eventsBefore = stream.lastEventId;
    if (stream.failures < maxStreamFailures) await readStream(client, jobId, stream, options);
    const job = await look(client, jobId, signal);
    if (job !== undefined && isTerminal(job.status)) return job;
    if (job?.progress) onProgress?.(job.progress);
    if (job !== undefined || stream.lastEventId !== eventsBefore) {
      heardAt = performance.now();
      silent = 0;
    }
    if (performance.now() - heardAt > patienceMs) throw lostSight(client, jobId, patienceMs);
    await sleep(backoffMs(silent, retryMs, 2000), signal);
  }
}

/** Passes events on until the stream ends, breaks, or reports the end of the job. */
async function readStream(
  client: Client,
  jobId: string,
  stream: { lastEventId: string; failures: number },
  options: FollowOptions,
): Promise<void> {
  try {
    for await (const event of client.events(jobId, stream.lastEventId, options.signal)) {
      stream.lastEventId = event.id || stream.lastEventId;
      stream.failures = 0;
      if (passOn(event, options)) return;
    }
  } catch (error) {
    options.signal.throwIfAborted();
    if (isRefusal(error)) throw error;
    stream.failures++;
  }
}

/** @returns whether the event says that the job has ended (or had, before a retry: the caller looks) */
function passOn({ event, data }: ServerSentEvent, { onProgress, onLog }: FollowOptions): boolean {
  const value: unknown = JSON.parse(data);
  const progress = event === 'progress' ? jobProgressSchema.safeParse(value).data : undefined;
  if (progress) onProgress?.(progress);
  const log = event === 'log' ? logData.safeParse(value).data : undefined;
  if (log) onLog?.(log.message);
  const status = statusData.safeParse(value).data?.status;
  return event === 'result' || (status !== undefined && isTerminal(status));
}

/** The job as it stands; undefined when the API is away for now. */
async function look(client: Client, jobId: string, signal: AbortSignal): Promise<Job | undefined> {
  try {
    return await client.read(getJobOperation, { params: { id: jobId } });
  } catch (error) {
    signal.throwIfAborted();
    if (isRefusal(error)) throw error;
    return undefined;
  }
}

/** An answer that would be the same the next time: no such job, no valid key. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof CliFailure)) return true;
  const status = error.problem?.status ?? 0;
  return error.kind === 'unauthorized' || (status >= 400 && status < 500 && status !== 429);
}

const lostSight = (client: Client, jobId: string, patienceMs: number): CliFailure =>
  new CliFailure('unreachable', `${client.url} has not answered for ${patienceMs / 1000} s`, {
    hint: `The job goes on. Look again with: npm run muster -- jobs follow ${jobId}`,
  });
