import { z } from 'zod';
import { isJobKind, type JobKind, jobContracts } from '../../../../shared/contracts/index.ts';
import {
  cancelJobOperation,
  getJobOperation,
  listJobsOperation,
  retryJobOperation,
  streamJobEventsOperation,
} from '../../../../shared/http/jobs.ts';
import { decodeCursor, pageFrom } from '../../../../shared/http/pagination.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import {
  findJob,
  type JobRow,
  listJobs,
  requestCancel,
  requeueJob,
} from '../../../../shared/store/jobs/jobs.ts';
import type { ChannelHub } from '../../channel-hub.ts';
import { tellDeed } from '../../deed.ts';
import { eventStream } from '../../event-stream.ts';
import { requireActor } from '../../middleware/identify.ts';
import { presentJob } from '../../present-job.ts';
import { accepted, type CallContext, ok, type Route, route } from '../../route.ts';
import { lookAtJob } from './read-events.ts';

/**
 * Throws where a job may not start again now, or not for this caller, and gives up what it must not have any more; within
 * the transaction that would have it start.
 */
type RetryGuard = (call: Pick<CallContext, 'request' | 'db'>, job: JobRow) => Promise<void>;

export interface JobRoutesDeps {
  queue: QueueClient;
  /** What is checked before a retry, for job kinds that not everybody may start, or not at any time. */
  retryGuards: Partial<Record<JobKind, RetryGuard>>;
  /** Rung by the notifications of job events. */
  hub: ChannelHub;
}

const cursorSchema = z.uuid();

async function existing(db: Executor, id: string): Promise<JobRow> {
  const row = await findJob(db, id);
  if (row === undefined) throw new AppError('not_found', `There is no job ${id}`);
  return row;
}

const ofBatch = z.object({ batch_id: z.uuid() });

/** What the audit log names as the subject of a deed: the batch that the job works on, else the job. */
const subjectOf = ({ id, payload }: JobRow): string => ofBatch.safeParse(payload).data?.batch_id ?? id;

export const jobRoutes = ({ queue, retryGuards, hub }: JobRoutesDeps): Route[] => [
  route(listJobsOperation, async ({ query, db }) => {
    const { kind, status, limit } = query;
    const before = decodeCursor(query.cursor, cursorSchema);
    const rows = await listJobs(db, { kind, status, before, limit: limit + 1 });
    return ok(pageFrom(rows, limit, row => row.id, presentJob));
  }),

  route(getJobOperation, async ({ params, db }) => ok(presentJob(await existing(db, params.id)))),

  route(cancelJobOperation, async ({ params, ...call }) => {
    const asked = await requestCancel(call.db, params.id);
    const row = await existing(call.db, params.id);
    if (!asked) throw new AppError('conflict', `The job has ended already: it is ${row.status}`);
    const { kind } = row;
    await tellDeed(call, 'jobs.cancel', subjectOf(row), { job_id: row.id, kind });
    // One that waits for its next try ends by it, without any work: not to be waited for.
    if (isJobKind(kind)) call.afterCommit(() => queue.promote(jobContracts[kind], { job_id: row.id }));
    return accepted(presentJob(row), `/api/jobs/${row.id}`);
  }),

  route(retryJobOperation, async ({ params, ...call }) => {
    const ended = await existing(call.db, params.id);
    const { kind } = ended;
    if (!isJobKind(kind)) throw new AppError('conflict', `This version knows no job of kind ${kind}`);
    requireActor(call.request, jobContracts[kind].retryRole);
    await retryGuards[kind]?.(call, ended);
    const requeued = await requeueJob(call.db, params.id);
    const row = await existing(call.db, params.id);
    if (!requeued)
      throw new AppError(
        'conflict',
        `Only a job that ended short of success can be retried: this one is ${row.status}`,
      );
    await tellDeed(call, 'jobs.retry', subjectOf(row), { job_id: row.id, kind });
    call.afterCommit(() => queue.revive(jobContracts[kind], { job_id: row.id }));
    return accepted(presentJob(row), `/api/jobs/${row.id}`);
  }),

  route(streamJobEventsOperation, async ({ params, db, request, signal }) => {
    const { id } = await existing(db, params.id);
    return eventStream({ hub, id, look: afterId => lookAtJob(db, id, afterId), request, signal });
  }),
];
