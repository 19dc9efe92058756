import { eq, sql } from 'drizzle-orm';
import { workers } from '../../../drizzle/platform/schema/jobs.ts';
import { loadShards } from '../../../drizzle/platform/schema/load-tests.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { workerIsAlive } from '../workers.ts';

/** Room for shards: what the workers say they can run, less what they have been given. */
export interface FreeSlots {
  workerId: string;
  worker: string;
  free: number;
}

/** Whoever places or takes shards holds this until its transaction ends: two tests can never each get half a slot. */
export async function lockSlots(tx: Executor): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('muster:load-slots', 0))`);
}

/** Of `load_shards s`: shards of a test that has ended hold no slots, whatever became of them. */
export const isOfActiveTest = sql`s.load_test_id in (select id from load_tests where finished_at is null)`;

/** Living workers that have room, the emptiest first. */
export async function listFreeSlots(tx: Executor): Promise<FreeSlots[]> {
  const free = sql<number>`(${workers.loadSlots} - (
    select count(*) from load_shards s where s.worker_id = ${workers.id} and s.status <> 'ended' and ${isOfActiveTest}))::int`;
  return tx
    .select({ workerId: workers.id, worker: workers.name, free })
    .from(workers)
    .where(sql`${workerIsAlive} and ${free} > 0`)
    .orderBy(sql`${free} desc`, workers.startedAt, workers.id);
}

/** A worker that stops takes no more shards. */
export async function closeSlots(db: Executor, workerId: string): Promise<void> {
  await db.update(workers).set({ loadSlots: 0 }).where(eq(workers.id, workerId));
}

/** Gives the shards of a test, in the order of their numbers, to workers, who have `leaseMs` to take them. */
export async function placeShards(
  tx: Executor,
  {
    testId,
    places,
    leaseMs,
  }: { testId: string; places: Pick<FreeSlots, 'workerId' | 'worker'>[]; leaseMs: number },
): Promise<void> {
  await tx.insert(loadShards).values(
    places.map(({ workerId, worker }, shard) => ({
      loadTestId: testId,
      shard,
      status: 'assigned' as const,
      workerId,
      worker,
      leaseUntil: sql`clock_timestamp() + ${leaseMs} * interval '1 millisecond'`,
    })),
  );
}
