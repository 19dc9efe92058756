import { and, desc, eq, gte, inArray, lt, or, type SQL, sql } from 'drizzle-orm';
import { jobs } from '../../../drizzle/platform/schema/jobs.ts';
import { type JobStatus, terminalStatuses } from '../../contracts/job.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { admitWork } from './admission.ts';
import { appendEvent } from './job-events.ts';

/** The requests' side of jobs: submit, look, cancel, retry. The workers' side is in `job-runs.ts`. */
export type JobRow = typeof jobs.$inferSelect;

/** Workers listen here to see a cancellation at once; they also poll. */
export const jobCancelChannel = 'job_cancel';

const statusEvent = appendEvent(
  'status',
  sql`jsonb_build_object('status', changed.status, 'attempts', changed.attempts)`,
);

/**
 * Writes a submission; `enqueued_at` stays null, which is the outbox mark, until `markEnqueued`.
 * @throws AppError `draining` while no new work is accepted
 */
export async function insertJob(
  tx: Executor,
  job: { id: string; kind: string; payload: unknown; requestedBy: string },
): Promise<JobRow> {
  await admitWork(tx);
  await tx.execute(sql`
    with changed as (
      insert into jobs (id, kind, payload, requested_by)
      values (${job.id}, ${job.kind}, ${JSON.stringify(job.payload)}::jsonb, ${job.requestedBy})
      returning id, status, attempts
    ), ${statusEvent} select count(*) from woken`);
  const [row] = await tx.select().from(jobs).where(eq(jobs.id, job.id));
  if (row === undefined) throw new Error(`The job ${job.id} was inserted and is not there`);
  return row;
}

export async function findJob(db: Executor, id: string): Promise<JobRow | undefined> {
  const [row] = await db.select().from(jobs).where(eq(jobs.id, id));
  return row;
}

export interface JobFilter {
  kind?: string | undefined;
  status?: JobStatus | undefined;
  /** Rows older than this id; ids are time-ordered. */
  before?: string | undefined;
  limit: number;
}

/** Jobs, newest first. */
export function listJobs(db: Executor, { kind, status, before, limit }: JobFilter): Promise<JobRow[]> {
  const conditions: SQL[] = [];
  if (kind !== undefined) conditions.push(eq(jobs.kind, kind));
  if (status !== undefined) conditions.push(eq(jobs.status, status));
  if (before !== undefined) conditions.push(lt(jobs.id, before));
  return db
    .select()
    .from(jobs)
    .where(and(...conditions))
    .orderBy(desc(jobs.id))
    .limit(limit);
}

/**
 * Asks for a job's end. One that no worker ever took ends at once; any other keeps its status until its worker
 * has stopped. Gives false when the job has ended or does not exist.
 */
export async function requestCancel(tx: Executor, id: string): Promise<boolean> {
  const changed = await tx.execute(sql`
    with changed as (
      update jobs set
        cancel_requested_at = coalesce(cancel_requested_at, now()),
        status = case when epoch = 0 then 'cancelled' else status end,
        finished_at = case when epoch = 0 then now() end
      where id = ${id} and status in ('queued', 'running')
      returning id, status, attempts
    ), ${appendEvent(
      'status',
      sql`jsonb_build_object('status', changed.status, 'attempts', changed.attempts, 'cancel_requested', true)`,
    )}
    select pg_notify(${jobCancelChannel}, id::text), (select count(*) from woken) from changed`);
  return changed.length > 0;
}

const retryable = sql.join(
  terminalStatuses.filter(status => status !== 'succeeded').map(status => sql`${status}`),
  sql`, `,
);

/**
 * Puts a job that ended short of success back to `queued`, as a new run. Gives false for any other.
 * @throws AppError `draining` while no new work is accepted
 */
export async function requeueJob(tx: Executor, id: string): Promise<boolean> {
  await admitWork(tx);
  const changed = await tx.execute(sql`
    with changed as (
      update jobs set status = 'queued', run = run + 1, attempts = 0, worker = null, progress = null, result = null,
        error = null, enqueued_at = null, cancel_requested_at = null, started_at = null, finished_at = null
      where id = ${id} and status in (${retryable})
      returning id, status, attempts
    ), ${statusEvent} select id, (select count(*) from woken) from changed`);
  return changed.length > 0;
}

/** Clears the outbox mark: the queue has these jobs. */
export async function markEnqueued(db: Executor, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  await db.update(jobs).set({ enqueuedAt: sql`now()` }).where(inArray(jobs.id, ids));
}

/** Jobs that have not ended, in order of id, from `afterId` on: what the queue must have. */
export function listOpenJobs(
  db: Executor,
  { afterId, olderThanMs, limit }: { afterId?: string | undefined; olderThanMs: number; limit: number },
): Promise<Pick<JobRow, 'id' | 'kind' | 'enqueuedAt' | 'cancelRequestedAt'>[]> {
  const { id, kind, enqueuedAt, cancelRequestedAt } = jobs;
  return db
    .select({ id, kind, enqueuedAt, cancelRequestedAt })
    .from(jobs)
    .where(
      and(
        inArray(jobs.status, ['queued', 'running']),
        sql`${jobs.createdAt} < now() - ${olderThanMs} * interval '1 millisecond'`,
        afterId === undefined ? undefined : sql`${jobs.id} > ${afterId}`,
      ),
    )
    .orderBy(jobs.id)
    .limit(limit);
}

/** How many jobs of the given kinds have not ended, or had not at `since`. */
export async function countOpenJobs(db: Executor, kindPrefix: string, since?: Date): Promise<number> {
  const [row] = await db
    .select({ open: sql<number>`count(*)::int` })
    .from(jobs)
    .where(
      and(
        or(
          inArray(jobs.status, ['queued', 'running']),
          since === undefined ? undefined : gte(jobs.finishedAt, since),
        ),
        sql`starts_with(${jobs.kind}, ${kindPrefix})`,
      ),
    );
  return row?.open ?? 0;
}

/** How many jobs have not ended, by kind. */
export async function countOpenByKind(db: Executor): Promise<Map<string, number>> {
  const rows = await db
    .select({ kind: jobs.kind, open: sql<number>`count(*)::int` })
    .from(jobs)
    .where(inArray(jobs.status, ['queued', 'running']))
    .groupBy(jobs.kind);
  return new Map(rows.map(({ kind, open }) => [kind, open]));
}
