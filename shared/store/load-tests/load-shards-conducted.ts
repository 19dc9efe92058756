import { asc, eq, sql } from 'drizzle-orm';
import { loadShards } from '../../../drizzle/platform/schema/load-tests.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { appendLoadEvents } from './load-events.ts';
import { type LoadShardRow, markDegraded, startLead } from './load-shards.ts';
import { silenceOf } from './shard-silence.ts';

/** Shards as those have them who do not run them: the conductor of their test, and the API. */

/** A test's shards, in their order. */
export function listShards(db: Executor, testId: string): Promise<LoadShardRow[]> {
  return db.select().from(loadShards).where(eq(loadShards.loadTestId, testId)).orderBy(asc(loadShards.shard));
}

/** Shards of these tests that a worker may still be sending for. */
export function listSendingShards(
  db: Executor,
  testIds: string[],
): Promise<Pick<LoadShardRow, 'loadTestId' | 'shard' | 'worker'>[]> {
  return db
    .select({ loadTestId: loadShards.loadTestId, shard: loadShards.shard, worker: loadShards.worker })
    .from(loadShards)
    .where(
      sql`${loadShards.loadTestId} = any (${sql.param(testIds)}::uuid[]) and ${loadShards.status} <> 'ended'`,
    )
    .orderBy(asc(loadShards.loadTestId), asc(loadShards.shard));
}

/** Sets the start for the shards that are ready, where there is one; gives whether it is set now. */
export async function startWithReady(tx: Executor, testId: string): Promise<boolean> {
  const started = await tx.execute(sql`
    update load_tests set start_at = clock_timestamp() + ${startLead}
    where id = ${testId} and start_at is null and exists (
      select from load_shards where load_test_id = ${testId} and status = 'ready')
    returning id`);
  return started.length > 0;
}

/** Marks the shards whose workers went silent, and that nobody has taken yet; the transaction holds the test's row. */
export async function markLostShards(tx: Executor, testId: string): Promise<void> {
  const lost = await tx.execute<{ shard: number; worker: string }>(sql`
    update load_shards set status = 'lost'
    where load_test_id = ${testId} and status in ('assigned', 'ready', 'running') and lease_until < now()
    returning shard, worker`);
  if (lost.length === 0) return;
  await markDegraded(tx, testId);
  await appendLoadEvents(
    tx,
    testId,
    lost.map(({ shard, worker }) => silenceOf(worker, shard)),
  );
}

/**
 * Takes the shards of a test that has ended from those who have not ended them: the leases are void, what was not
 * written by now never will be, and their slots are free. The transaction holds the test's row.
 */
export async function voidOpenShards(tx: Executor, testId: string): Promise<void> {
  await tx.execute(sql`
    update load_shards set status = 'lost', epoch = epoch + 1
    where load_test_id = ${testId} and status <> 'ended'`);
}
