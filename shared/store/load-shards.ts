import { asc, eq } from 'drizzle-orm';
import { loadShards } from '../../drizzle/platform/schema/load-tests.ts';
import type { Executor } from '../platform/db.ts';

/** The shards of load tests: a worker's part of a test each. */
export type LoadShardRow = typeof loadShards.$inferSelect;

/** A test's shards, in their order. */
export function listShards(db: Executor, testId: string): Promise<LoadShardRow[]> {
  return db.select().from(loadShards).where(eq(loadShards.loadTestId, testId)).orderBy(asc(loadShards.shard));
}
