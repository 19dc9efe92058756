import { type SQL, sql } from 'drizzle-orm';
import { notificationsRun } from '../../contracts/deadline-notifications.ts';
import { idOf } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/db.ts';

const dayMs = 86_400_000;
/** Rows that one statement deletes at most: it is over in a moment, and nobody waits long for what it locks. */
const batchSize = 2000;
/** Jobs whose rows are looked for at once. */
const pageSize = 200;

/**
 * Deletes what ended so many days ago: load tests with all that was measured, jobs with their events, workers that are
 * gone. Children go first, so that no cascade is larger than a statement may be. It may be broken off anywhere, and be
 * done twice at once.
 * @param days 0 keeps everything
 */
export async function pruneJobs(db: Executor, days: number): Promise<void> {
  if (days === 0) return;
  const beforeMs = Date.now() - days * dayMs;
  const before = sql`${new Date(beforeMs).toISOString()}::timestamptz`;
  for await (const ids of oldJobs(db, beforeMs, before)) await deleteJobs(db, ids, before);
  await deleteAll(db, sql`workers`, sql`workers child where last_seen_at < ${before}`);
}

/** Jobs of which something may go, page by page in the order of their ids: those that stay are passed once, not again and again. */
async function* oldJobs(db: Executor, beforeMs: number, before: SQL): AsyncGenerator<string[]> {
  // Ids begin with the moment of the submission: what is younger is not even read.
  const youngest = sql`job.id < ${idOf(beforeMs, '')}::uuid`;
  let after = sql`true`;
  for (;;) {
    const rows = await db.execute<{ id: string }>(sql`
      select job.id from jobs job where ${youngest} and ${after} and ${isOver(before)}
      order by job.id limit ${pageSize}`);
    if (rows.length > 0) yield rows.map(({ id }) => id);
    if (rows.length < pageSize) return;
    after = sql`job.id > ${rows.at(-1)?.id}::uuid`;
  }
}

/** Each statement looks again whether a job is over: it may have been retried. */
async function deleteJobs(db: Executor, ids: readonly string[], before: SQL): Promise<void> {
  const isOld = sql`job.id = any (${`{${ids.join(',')}}`}::uuid[]) and ${isOver(before)}`;
  const job = sql`(select job.id from jobs job where ${isOld}) job`;
  const test = sql`${job} ${rowsOf(sql`load_tests`, sql`job_id = job.id and finished_at < ${before}`, sql`id`, sql`test`)}`;
  for (const { table, by } of ofLoadTests)
    await deleteAll(db, table, sql`${test} ${rowsOf(table, sql`load_test_id = test.id`, by)}`);
  await deleteAll(db, sql`load_tests`, sql`${test} cross join lateral (select test.ctid) child`);
  for (const { table, by } of ofJobs)
    await deleteAll(db, table, sql`${job} ${rowsOf(table, sql`job_id = job.id`, by)}`);
  const run = sql`${job} ${rowsOf(sql`sync_runs`, sql`job_id = job.id`, sql`id`, sql`run`)}`;
  const chunk = rowsOf(sql`sync_chunks`, sql`run_id = run.id`, sql`chunk_index`);
  await deleteAll(db, sql`sync_chunks`, sql`${run} ${chunk}`);
  await db.execute(sql`delete from jobs job where ${isOld} and not ${isReferredTo}`);
}

/**
 * The rows that belong to each of those before, found one by one in the order of an index: a join the planner could turn
 * round, and it takes the jobs for far fewer than they are.
 */
const rowsOf = (table: SQL, condition: SQL, by: SQL, name = sql`child`): SQL => sql`
  cross join lateral (
    select ctid, * from ${table} where ${condition} order by ${by} limit ${batchSize}
  ) ${name}`;

const ofLoadTests = [
  { table: sql`load_ticks`, by: sql`second` },
  { table: sql`load_timeline`, by: sql`second` },
  { table: sql`load_events`, by: sql`id` },
  { table: sql`load_errors`, by: sql`id` },
  { table: sql`load_shards`, by: sql`shard` },
];
const ofJobs = [
  { table: sql`job_events`, by: sql`id` },
  { table: sql`account_login_chunks`, by: sql`chunk_index` },
];

const isOver = (before: SQL): SQL => sql`job.finished_at < ${before} and not ${isInUse}`;

/**
 * A job of which nothing goes: of a batch that may still have users, of a dataset that stands, and the newest sync of a
 * target, of which the status of syncs is made.
 */
const isInUse = sql`(
  exists (select from bulk_user_batches where cleaned_up_at is null and job_id = job.id)
  or exists (select from bulk_user_batches where cleaned_up_at is null and cleanup_job_id = job.id)
  or exists (select from datasets where job_id = job.id and deleted_at is null)
  or exists (
    select from sync_runs run where job_id = job.id and created_at = (
      select max(created_at) from sync_runs where target_key = run.target_key and dry_run = run.dry_run)))`;

/**
 * A job whose row stays when its events go: the ids of batches are never given away again, a restore may bring a dataset
 * back, and deliveries of a run in the application's database may still have to be settled.
 */
const isReferredTo = sql`(
  job.kind = ${notificationsRun.name}
  or exists (select from bulk_user_batches where job_id = job.id)
  or exists (select from bulk_user_batches where cleanup_job_id = job.id)
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
