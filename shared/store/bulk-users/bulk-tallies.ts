import { and, eq, inArray, isNotNull, sql } from 'drizzle-orm';
import { bulkChunks } from '../../../drizzle/application/schema/ledger.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import type { ChunkRefusal } from './bulk-ledger.ts';

/** What has become of batches so far, counted from the chunks of the ledger. */

/** What a chunk says before it is done is of the run before, if any. */
const failed = sql<number>`coalesce(sum(failed_count) filter (where status not in ('pending', 'running')), 0)::int`;

export interface Tally {
  chunks: number;
  chunksDone: number;
  created: number;
  failed: number;
  /** Without those of an earlier run whose chunk was withdrawn from this one: these would have a retry rolled back. */
  failedThisRun: number;
  /** Users of withdrawn chunks, without those whom an earlier run made or could not make. */
  withdrawn: number;
  rolledBack: number;
  /** Users that cleanup deleted; they count as created all the same. */
  cleaned: number;
  /** Why the first of the chunks that cannot be done cannot be. */
  refusal: ChunkRefusal | null;
}

/** Where a batch stands, from its chunks. */
export async function tallyBatch(db: Executor, batchId: string): Promise<Tally> {
  const [tally] = await db
    .select({
      chunks: sql<number>`count(*)::int`,
      chunksDone: sql<number>`(count(*) filter (where status in ('done', 'cleaned')))::int`,
      created: sql<number>`coalesce(sum(created_count) filter (where status <> 'rolled_back'), 0)::int`,
      failed,
      failedThisRun: sql<number>`coalesce(sum(failed_count) filter (where status in ('done', 'rolled_back')), 0)::int`,
      withdrawn: sql<number>`coalesce(sum(size - created_count - failed_count) filter (where status = 'cancelled'), 0)::int`,
      rolledBack: sql<number>`coalesce(sum(size - failed_count) filter (where status = 'rolled_back'), 0)::int`,
      cleaned: sql<number>`coalesce(sum(created_count - gone_count) filter (where status = 'cleaned'), 0)::int`,
      refusal: sql<ChunkRefusal | null>`min(refusal::text)::jsonb`,
    })
    .from(bulkChunks)
    .where(eq(bulkChunks.batchId, batchId));
  if (tally === undefined) throw new Error('An aggregate gives one row');
  return tally;
}

/** The tallies of several batches, by batch id. */
export async function tallyBatches(
  db: Executor,
  batchIds: string[],
): Promise<Map<string, Pick<Tally, 'created' | 'failed' | 'cleaned'>>> {
  if (batchIds.length === 0) return new Map();
  const rows = await db
    .select({
      batchId: bulkChunks.batchId,
      created: sql<number>`coalesce(sum(created_count) filter (where status <> 'rolled_back'), 0)::int`,
      failed,
      cleaned: sql<number>`coalesce(sum(created_count - gone_count) filter (where status = 'cleaned'), 0)::int`,
    })
    .from(bulkChunks)
    .where(inArray(bulkChunks.batchId, batchIds))
    .groupBy(bulkChunks.batchId);
  return new Map(rows.map(({ batchId, ...tally }) => [batchId, tally]));
}

export interface WorkerShare {
  worker: string;
  chunks: number;
  users: number;
}

/** Which worker did how much of a batch. Users whom a sync brought are no worker's. */
export function sharesByWorker(db: Executor, batchId: string): Promise<WorkerShare[]> {
  return db
    .select({
      worker: sql<string>`worker`,
      chunks: sql<number>`count(*)::int`,
      users: sql<number>`sum(created_count)::int`,
    })
    .from(bulkChunks)
    .where(
      and(
        eq(bulkChunks.batchId, batchId),
        inArray(bulkChunks.status, ['done', 'cleaned']),
        isNotNull(bulkChunks.worker),
      ),
    )
    .groupBy(sql`worker`)
    .orderBy(sql`worker`);
}
