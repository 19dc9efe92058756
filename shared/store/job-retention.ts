import { type SQL, sql } from 'drizzle-orm';
import { notificationsRun } from '../contracts/deadline-notifications.ts';
import { idOf } from '../kernel/ids.ts';
import type { Executor } from '../platform/db.ts';

const dayMs = 86_400_000;
/** Rows that one statement deletes at most: it is over in a moment, and nobody waits long for what it locks. */
const batchSize = 2000;

/**
 * Deletes what ended so many days ago: load tests with all that was measured, jobs with their events, workers that are
 * gone. Children go first, so that no cascade is larger than a statement may be. It may be broken off anywhere, and be
 * done twice at once.
 * @param days 0 keeps everything
 */
export async function pruneJobs(db: Executor, days: number, nowMs = Date.now()): Promise<void> {
  if (days === 0) return;
  const beforeMs = nowMs - days * dayMs;
  const before = sql`${new Date(beforeMs).toISOString()}::timestamptz`;
  // Ids begin with the moment of the submission: what is younger is not even read.
  const isOld = sql`job.id < ${idOf(beforeMs, '')}::uuid and job.finished_at < ${before} and not ${isInUse}`;
  const oldTest = sql`load_tests test join jobs job on job.id = test.job_id and test.finished_at < ${before} and ${isOld}`;
  for (const table of ofLoadTests)
    await deleteAll(db, table, sql`${table} child join (${oldTest}) on child.load_test_id = test.id`);
  await deleteAll(db, sql`load_tests`, sql`load_tests child join (${oldTest}) on child.id = test.id`);
  for (const table of ofJobs)
    await deleteAll(db, table, sql`${table} child join jobs job on job.id = child.job_id and ${isOld}`);
  const oldRun = sql`sync_runs run join jobs job on job.id = run.job_id and ${isOld}`;
  await deleteAll(db, sql`sync_chunks`, sql`sync_chunks child join (${oldRun}) on child.run_id = run.id`);
  await deleteAll(
    db,
    sql`jobs`,
    sql`jobs child join jobs job on job.id = child.id and ${isOld} and not ${isReferredTo}`,
  );
  await deleteAll(db, sql`workers`, sql`workers child where last_seen_at < ${before}`);
}

const ofLoadTests = [
  sql`load_ticks`,
  sql`load_timeline`,
  sql`load_events`,
  sql`load_errors`,
  sql`load_shards`,
];
const ofJobs = [sql`job_events`, sql`account_login_chunks`];

/**
 * A job of which nothing goes: of a batch that may still have users, of a dataset that stands, and the newest sync of a
 * target, of which the status of syncs is made.
 */
const isInUse = sql`(
  exists (select from bulk_user_batches where cleaned_up_at is null and job.id in (job_id, cleanup_job_id))
  or exists (select from datasets where job_id = job.id and deleted_at is null)
  or exists (
    select from sync_runs run where job_id = job.id and not exists (
      select from sync_runs newer
      where newer.target_key = run.target_key and newer.dry_run = run.dry_run and newer.created_at > run.created_at)))`;

/**
 * A job whose row stays when its events go: the ids of batches are never given away again, a restore may bring a dataset
 * back, and deliveries of a run in the application's database may still have to be settled.
 */
const isReferredTo = sql`(
  job.kind = ${notificationsRun.name}
  or exists (select from bulk_user_batches where job.id in (job_id, cleanup_job_id))
  or exists (select from datasets where job_id = job.id)
  or exists (select from load_tests where job_id = job.id))`;

/** Deletes the rows of a table that are `child` in what is selected from, so many a statement, until there are none. */
async function deleteAll(db: Executor, table: SQL, from: SQL): Promise<void> {
  for (;;) {
    const [gone] = await db.execute<{ rows: number }>(sql`
      with gone as (
        delete from ${table} where ctid = any (array(select child.ctid from ${from} limit ${batchSize})) returning 1
      )
      select count(*)::int as rows from gone`);
    if (gone === undefined || gone.rows < batchSize) return;
  }
}
