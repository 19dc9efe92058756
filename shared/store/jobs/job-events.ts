import { and, asc, eq, gt, type SQL, sql } from 'drizzle-orm';
import { jobEvents } from '../../../drizzle/platform/schema/jobs.ts';
import type { JobEventName } from '../../contracts/job.ts';
import type { Executor } from '../../platform/postgres/db.ts';

/**
 * The event log of jobs. A reader asks for `id > last seen`, so within one job ids must become visible in
 * ascending order. They do, because every writer first locks the job's row: each statement here takes the row
 * in a CTE and inserts from that CTE's output, so that the id is drawn while the lock is held. (Holding readers
 * back below the oldest open transaction would also work, but any long transaction in the cluster, a million-row
 * insert for one, would then stop every stream.)
 */
export const jobEventsChannel = 'job_events';

export type JobEvent = typeof jobEvents.$inferSelect;

/**
 * CTEs that append one event for every row of the CTE `changed` (which must hold the rows' locks and give `id`),
 * and wake the readers. Use as `with changed as (...), ${appendEvent('status', sql`...`)} select ...`.
 * @param data an expression over `changed` that gives the event's jsonb
 */
export const appendEvent = (event: JobEventName, data: SQL): SQL => sql`
  appended as (
    insert into job_events (job_id, event, data)
    select changed.id, ${event}, ${data} from changed
    returning job_id
  ),
  woken as (select pg_notify(${jobEventsChannel}, job_id::text) from appended)`;

/** Adds a line to a job's log; nothing when the job does not exist or has ended: its end is its last event. */
export async function appendLog(db: Executor, jobId: string, line: string): Promise<void> {
  await db.execute(sql`
    with changed as (select id from jobs where id = ${jobId} and finished_at is null for no key update),
    ${appendEvent('log', sql`jsonb_build_object('message', ${line}::text)`)}
    select count(*) from woken`);
}

/** The events of a job after `afterId`, oldest first. */
export function readJobEvents(
  db: Executor,
  jobId: string,
  afterId: number,
  limit = 500,
): Promise<JobEvent[]> {
  return db
    .select()
    .from(jobEvents)
    .where(and(eq(jobEvents.jobId, jobId), gt(jobEvents.id, afterId)))
    .orderBy(asc(jobEvents.id))
    .limit(limit);
}
