import { and, eq, inArray, isNotNull, sql } from 'drizzle-orm';
import { jobs } from '../../../drizzle/platform/schema/jobs.ts';
import type { JobError, TerminalStatus } from '../../contracts/job.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import type { Progress } from '../../platform/queue/contract.ts';
import { appendEvent } from './job-events.ts';
import type { JobRow } from './jobs.ts';

/**
 * The workers' side of jobs. A worker that takes a job raises its epoch; every later write names that epoch and
 * changes nothing once another worker has taken the job. Each function gives whether it did change the row.
 */
export interface JobLease {
  id: string;
  epoch: number;
}

const held = ({ id, epoch }: JobLease) => sql`id = ${id} and epoch = ${epoch} and status = 'running'`;
const json = (value: unknown) => sql`${value === undefined ? null : JSON.stringify(value)}::jsonb`;

/** Takes a job that has not ended, whoever held it before; undefined when it has ended, or is another's already. */
export async function claimJob(db: Executor, id: string, worker: string): Promise<JobRow | undefined> {
  const [claimed] = await db.execute<{ epoch: number }>(sql`
    with changed as (
      update jobs set status = 'running', epoch = epoch + 1, attempts = attempts + 1, worker = ${worker},
        started_at = coalesce(started_at, now()), enqueued_at = coalesce(enqueued_at, now())
      where id = ${id} and status in ('queued', 'running')
      returning id, epoch, status, attempts, worker
    ), ${appendEvent(
      'status',
      sql`jsonb_build_object('status', changed.status, 'attempts', changed.attempts, 'worker', changed.worker)`,
    )}
    select epoch, (select count(*) from woken) from changed`);
  if (claimed === undefined) return undefined;
  const [row] = await db
    .select()
    .from(jobs)
    .where(and(eq(jobs.id, id), eq(jobs.epoch, claimed.epoch))); // not the epoch of one that has taken it since
  return row;
}

/**
 * Writes how far a job is, with an event, unless that is what its row says already: who waits says the same all the time.
 * @returns whether the job is still this worker's; that it was taken in this very moment shows with the next call
 */
export async function saveProgress(db: Executor, lease: JobLease, progress: Progress): Promise<boolean> {
  const percent = progress.total === 0 ? 0 : Math.floor((1000 * progress.done) / progress.total) / 10;
  const news = json({ ...progress, percent });
  const holding = await db.execute(sql`
    with changed as (
      update jobs set progress = ${news} where ${held(lease)} and progress is distinct from ${news}
      returning id, progress
    ), ${appendEvent('progress', sql`changed.progress`)}
    select id, (select count(*) from woken) from jobs where ${held(lease)}`);
  return holding.length > 0;
}

/** Puts a job whose try failed back to `queued`, for the try that follows. */
export async function releaseJob(db: Executor, lease: JobLease, error: JobError): Promise<boolean> {
  const released = await db.execute(sql`
    with changed as (
      update jobs set status = 'queued', worker = null, error = ${json(error)} where ${held(lease)}
      returning id, status, attempts, error
    ), ${appendEvent(
      'status',
      sql`jsonb_build_object('status', changed.status, 'attempts', changed.attempts, 'error', changed.error)`,
    )}
    select id, (select count(*) from woken) from changed`);
  return released.length > 0;
}

/** Puts a job back to `queued` because its worker stops: the try does not count. */
export async function handBackJob(db: Executor, lease: JobLease): Promise<boolean> {
  const released = await db.execute(sql`
    with changed as (
      update jobs set status = 'queued', worker = null, attempts = attempts - 1 where ${held(lease)}
      returning id, status, attempts
    ), ${appendEvent('status', sql`jsonb_build_object('status', changed.status, 'attempts', changed.attempts)`)}
    select id, (select count(*) from woken) from changed`);
  return released.length > 0;
}

export interface JobEnd {
  status: TerminalStatus;
  result?: unknown;
  error?: JobError | undefined;
}

/** Ends a job: its status, result and error, and the `result` event, which is a stream's last. */
export async function finishJob(
  db: Executor,
  lease: JobLease,
  { status, result, error }: JobEnd,
): Promise<boolean> {
  const finished = await db.execute(sql`
    with changed as (
      update jobs set status = ${status}, result = ${json(result)}, error = ${json(error)}, finished_at = now()
      where ${held(lease)}
      returning id, status, result, error, attempts
    ), ${appendEvent(
      'result',
      sql`jsonb_build_object('status', changed.status, 'result', changed.result, 'error', changed.error)`,
    )}
    select id, (select count(*) from woken) from changed`);
  return finished.length > 0;
}

/** Which of these jobs somebody asked to cancel. */
export async function cancelledAmong(db: Executor, ids: string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .select({ id: jobs.id })
    .from(jobs)
    .where(and(inArray(jobs.id, ids), isNotNull(jobs.cancelRequestedAt)));
  return rows.map(row => row.id);
}
