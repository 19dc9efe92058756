import { and, eq, sql } from 'drizzle-orm';
import { jobs } from '../../../drizzle/platform/schema/jobs.ts';
import {
  loadErrors,
  loadEvents,
  loadShards,
  loadTests,
  loadTicks,
  loadTimeline,
} from '../../../drizzle/platform/schema/load-tests.ts';
import { endedLoadTestStatuses } from '../../contracts/load-tests.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Db, Executor } from '../../platform/postgres/db.ts';
import { findJob } from '../jobs/jobs.ts';
import { limitTransaction } from '../transactions.ts';
import { releaseAccounts } from './account-leases.ts';
import { appendLoadEvents, loadTestsChannel } from './load-events.ts';
import { shardLeaseMs } from './load-shards.ts';
import { voidOpenShards } from './load-shards-conducted.ts';
import { initialControl, type LoadTestRow } from './load-tests.ts';

/**
 * The conductor's side of load tests. A conductor writes while it holds the test's row, and only as long as its job's
 * epoch is its own: one that was frozen and wakes after another has followed it changes nothing.
 */
export interface RunLease {
  testId: string;
  jobId: string;
  /** The job's. */
  epoch: number;
}

export interface HeldRun {
  test: LoadTestRow;
  /** Milliseconds since the start by the database's clock, negative before it; null while it is not set. */
  elapsedMs: number | null;
}

/** A conductor that is frozen in the middle gives the test and its shards back before their leases run out. */
const longestPassMs = shardLeaseMs - 1000;

/** Does `work` while the test's row is held; throws `lease_lost` when another conductor has followed. */
export function asConductor<T>(
  db: Db,
  lease: RunLease,
  work: (tx: Executor, run: HeldRun) => Promise<T>,
): Promise<T> {
  return db.transaction(async tx => {
    await limitTransaction(tx, longestPassMs);
    const run = await readRun(tx, lease.testId, { hold: true });
    const [job] = await tx // after the lock: whoever took the job before us has written before us
      .select({ id: jobs.id })
      .from(jobs)
      .where(and(eq(jobs.id, lease.jobId), eq(jobs.epoch, lease.epoch), eq(jobs.status, 'running')));
    if (job === undefined) throw new AppError('lease_lost');
    return work(tx, run);
  });
}

/** A test with where its schedule stands. `hold`: nobody changes it until the transaction ends. */
export async function readRun(
  tx: Executor,
  testId: string,
  { hold = false }: { hold?: boolean } = {},
): Promise<HeldRun> {
  const query = tx.select().from(loadTests).where(eq(loadTests.id, testId));
  const [test] = await (hold ? query.for('no key update') : query);
  if (test === undefined) throw new AppError('not_found', `There is no load test ${testId}`);
  const [clock] = await tx.execute<{ elapsed: number | null }>(sql`
    select (extract(epoch from clock_timestamp() - start_at) * 1000)::float8 as elapsed
    from load_tests where id = ${testId}`);
  return { test, elapsedMs: clock?.elapsed ?? null };
}

/** For a new run: forgets what the earlier run measured and did, so that this one starts from nothing. */
export async function restartRun(tx: Executor, test: LoadTestRow, run: number): Promise<void> {
  const { id, config } = test;
  await releaseAccounts(tx, id); // of a run that nobody concluded
  for (const table of [loadShards, loadTicks, loadTimeline, loadErrors, loadEvents]) {
    await tx.delete(table).where(eq(table.loadTestId, id));
  }
  await tx
    .update(loadTests)
    .set({
      status: 'queued',
      control: initialControl(config),
      controlVersion: test.controlVersion + 1,
      degraded: false,
      reason: null,
      metrics: null,
      endpoints: {},
      thresholds: [],
      startAt: null,
      finishedAt: null,
      plannedRun: run,
    })
    .where(eq(loadTests.id, id));
}

export type RunNews = Partial<
  Pick<LoadTestRow, 'status' | 'degraded' | 'reason' | 'metrics' | 'endpoints' | 'thresholds' | 'plannedRun'>
>;

/** Writes what is new of a test whose row is held, with an event when its status changes, and wakes its readers. */
export async function saveRun(tx: Executor, test: LoadTestRow, news: RunNews): Promise<LoadTestRow> {
  const status = news.status ?? test.status;
  const ends = endedLoadTestStatuses.some(ended => ended === status);
  const [saved] = await tx
    .update(loadTests)
    .set({ ...news, status, ...(ends ? { finishedAt: sql`clock_timestamp()` } : {}) })
    .where(eq(loadTests.id, test.id))
    .returning();
  if (saved === undefined) throw new Error(`The load test ${test.id} is held and is not there`);
  if (ends) await release(tx, test.id);
  if (status !== test.status) await appendLoadEvents(tx, test.id, [{ type: 'status', message: status }]);
  await tx.execute(sql`select pg_notify(${loadTestsChannel}, ${test.id})`);
  return saved;
}

/** What a test that has ended holds is free. Its ticks go later (`deleteEndedTicks`): that may take longer than a pass. */
async function release(tx: Executor, testId: string): Promise<void> {
  await releaseAccounts(tx, testId);
  await voidOpenShards(tx, testId);
}

/** Follows load reduction: the share of the load in force. */
export async function setLoadFactor(tx: Executor, testId: string, factor: number): Promise<void> {
  await tx.execute(sql`
    update load_tests set control_version = control_version + 1,
      control = control || jsonb_build_object('load_factor', ${factor}::float8)
    where id = ${testId}`);
}

/** How many requests each shard has reported. */
export async function saveShardRequests(
  tx: Executor,
  testId: string,
  requests: { shard: number; requests: number }[],
): Promise<void> {
  if (requests.length === 0) return;
  await tx.execute(sql`
    with given as (
      select s.shard, g.requests
      from jsonb_to_recordset(${JSON.stringify(requests)}::jsonb) as g(shard int, requests bigint)
      join load_shards s on s.load_test_id = ${testId} and s.shard = g.shard
      where s.requests <> g.requests
      order by s.shard for no key update of s
    )
    update load_shards s set requests = given.requests from given
    where s.load_test_id = ${testId} and s.shard = given.shard`);
}

/** How many requests of each shard nobody has counted the end of; null where that is not known. */
export async function saveInterrupted(
  tx: Executor,
  testId: string,
  interrupted: { shard: number; interrupted: number | null }[],
): Promise<void> {
  await tx.execute(sql`
    update load_shards s set interrupted = g.interrupted
    from jsonb_to_recordset(${JSON.stringify(interrupted)}::jsonb) as g(shard int, interrupted bigint)
    where s.load_test_id = ${testId} and s.shard = g.shard`);
}

/** Concludes tests whose job has ended over their heads: cancelled before a worker had it, or given up. */
export async function concludeAbandoned(db: Db): Promise<void> {
  const abandoned = await db
    .select({ id: loadTests.id })
    .from(loadTests)
    .innerJoin(jobs, eq(jobs.id, loadTests.jobId))
    .where(sql`${loadTests.finishedAt} is null and ${jobs.finishedAt} is not null`)
    .limit(100);
  for (const { id } of abandoned) await db.transaction(tx => concludeForJob(tx, id));
}

/** Ends a test as its job has ended; not one whose job was retried meanwhile. */
async function concludeForJob(tx: Executor, testId: string): Promise<void> {
  const { test } = await readRun(tx, testId, { hold: true });
  const job = await findJob(tx, test.jobId); // after the lock: a conductor of the next run writes while it has it
  if (test.finishedAt !== null || job?.finishedAt == null) return;
  const cancelled = job.status === 'cancelled';
  const reason = cancelled
    ? { code: 'stopped', message: 'The job was cancelled' }
    : (job.error ?? { code: 'internal_error', message: 'The job ended without its test' });
  await saveRun(tx, test, { status: cancelled ? 'aborted' : 'failed', reason: test.reason ?? reason });
}
