import { and, asc, eq, gt, gte, inArray, sql } from 'drizzle-orm';
import { bulkChunks, bulkFailures } from '../../../drizzle/application/schema/ledger.ts';
import type { Executor } from '../../platform/postgres/db.ts';

/** The ledger of bulk creation, in the application's database. `drizzle/application/schema/ledger.ts` draws its states. */
type ChunkRow = typeof bulkChunks.$inferSelect;
type FailureRow = typeof bulkFailures.$inferSelect;
export type UserFailure = Pick<FailureRow, 'index' | 'username' | 'code' | 'detail'>;

/** The right to write one chunk's effect: void as soon as the chunk's epoch has moved on. */
export type ChunkLease = Pick<ChunkRow, 'batchId' | 'chunkIndex' | 'epoch' | 'firstId' | 'size'> & {
  /** Whether the chunk was concluded before, with failures, and is done again. */
  again: boolean;
};

/** Divides `total` users into chunks; chunks that stand already are left alone. */
export async function planChunks(
  db: Executor,
  { batchId, total, chunkSize }: { batchId: string; total: number; chunkSize: number },
): Promise<void> {
  await db.execute(sql`
    insert into muster.bulk_chunks (batch_id, chunk_index, first_id, size)
    select ${batchId}, i, i * ${chunkSize} + 1, least(${chunkSize}, ${total} - i * ${chunkSize})
    from generate_series(0, ${Math.ceil(total / chunkSize) - 1}::int) as i
    on conflict do nothing`);
}

/** For a retry: what was withdrawn, rolled back, or done with failures is to be done again. */
export async function reopenChunks(db: Executor, batchId: string): Promise<void> {
  await db.execute(sql`
    update muster.bulk_chunks set status = 'pending', epoch = epoch + 1, worker = null, finished_at = null, refusal = null,
      created_count = case when status = 'rolled_back' then 0 else created_count end, gone_count = 0, cleaned_rows = null
    where batch_id = ${batchId} and (status in ('cancelled', 'rolled_back') or (status = 'done' and failed_count > 0))`);
}

/** Takes a chunk that is not done, whoever held it before; undefined when there is nothing to do. */
export async function claimChunk(
  db: Executor,
  { batchId, chunkIndex, worker }: { batchId: string; chunkIndex: number; worker: string },
): Promise<ChunkLease | undefined> {
  const [lease] = await db
    .update(bulkChunks)
    .set({ status: 'running', epoch: sql`epoch + 1`, worker, startedAt: sql`clock_timestamp()` })
    .where(
      and(
        eq(bulkChunks.batchId, batchId),
        eq(bulkChunks.chunkIndex, chunkIndex),
        inArray(bulkChunks.status, ['pending', 'running']),
      ),
    )
    .returning({
      batchId: bulkChunks.batchId,
      chunkIndex: bulkChunks.chunkIndex,
      epoch: bulkChunks.epoch,
      firstId: bulkChunks.firstId,
      size: bulkChunks.size,
      again: sql<boolean>`created_count > 0 or failed_count > 0`,
    });
  return lease;
}

/** Whether nobody has claimed or withdrawn a chunk since; says nothing of the next moment. */
export async function holdsLease(db: Executor, lease: ChunkLease): Promise<boolean> {
  const [row] = await db.select({ held: sql`true` }).from(bulkChunks).where(isLease(lease));
  return row !== undefined;
}

const isLease = ({ batchId, chunkIndex, epoch }: ChunkLease) =>
  and(
    eq(bulkChunks.batchId, batchId),
    eq(bulkChunks.chunkIndex, chunkIndex),
    eq(bulkChunks.epoch, epoch),
    eq(bulkChunks.status, 'running'),
  );

/** Holds a claimed chunk until the transaction ends; false when the lease is void. Clears an earlier run's failures. */
export async function holdChunk(tx: Executor, lease: ChunkLease): Promise<boolean> {
  const [row] = await tx
    .select({ failedCount: bulkChunks.failedCount })
    .from(bulkChunks)
    .where(isLease(lease))
    .for('update');
  if (row === undefined) return false;
  if (row.failedCount > 0) {
    await tx
      .delete(bulkFailures)
      .where(and(eq(bulkFailures.batchId, lease.batchId), eq(bulkFailures.chunkIndex, lease.chunkIndex)));
  }
  return true;
}

/**
 * Marks a held chunk done, with its failures: the last statement of the transaction that wrote its users and their keys.
 */
export async function concludeChunk(tx: Executor, lease: ChunkLease, failures: UserFailure[]): Promise<void> {
  if (failures.length > 0) {
    await tx.execute(sql`
      insert into muster.bulk_failures (batch_id, chunk_index, index, username, code, detail)
      select ${lease.batchId}, ${lease.chunkIndex}, f.index, f.username, f.code, f.detail
      from jsonb_to_recordset(${JSON.stringify(failures)}::jsonb)
        as f(index int, username text, code text, detail text)`);
  }
  await tx
    .update(bulkChunks)
    .set({
      status: 'done',
      createdCount: sql`cardinality(user_keys)`,
      failedCount: failures.length,
      finishedAt: sql`clock_timestamp()`,
    })
    .where(and(eq(bulkChunks.batchId, lease.batchId), eq(bulkChunks.chunkIndex, lease.chunkIndex)));
}

/** Withdraws every chunk that is not done: no worker that holds one can write its effect any more. */
export async function withdrawChunks(db: Executor, batchId: string): Promise<void> {
  await db.execute(sql`
    update muster.bulk_chunks set status = 'cancelled', epoch = epoch + 1, finished_at = clock_timestamp()
    where batch_id = ${batchId} and status in ('pending', 'running')`);
}

/** Why a chunk could not be done, and whatever is tried cannot be. */
export type ChunkRefusal = NonNullable<ChunkRow['refusal']>;

/** Gives a claimed chunk up, with the reason; nothing when the lease is void. */
export async function refuseChunk(db: Executor, lease: ChunkLease, refusal: ChunkRefusal): Promise<void> {
  await db
    .update(bulkChunks)
    .set({ status: 'cancelled', epoch: sql`epoch + 1`, refusal, finishedAt: sql`clock_timestamp()` })
    .where(isLease(lease));
}

/** Marks those of a batch's chunks rolled back that made nobody: the others are marked as their users go. */
export async function markRolledBack(db: Executor, batchId: string): Promise<void> {
  await db.execute(sql`
    update muster.bulk_chunks set status = 'rolled_back', epoch = epoch + 1, finished_at = clock_timestamp()
    where batch_id = ${batchId} and created_count = 0 and status <> 'rolled_back'`);
}

/** The indexes of chunks that are not done, from `fromIndex` on, in order. */
export async function openChunks(
  db: Executor,
  { batchId, fromIndex, limit }: { batchId: string; fromIndex: number; limit: number },
): Promise<number[]> {
  const rows = await db
    .select({ chunkIndex: bulkChunks.chunkIndex })
    .from(bulkChunks)
    .where(
      and(
        eq(bulkChunks.batchId, batchId),
        gte(bulkChunks.chunkIndex, fromIndex),
        inArray(bulkChunks.status, ['pending', 'running']),
      ),
    )
    .orderBy(asc(bulkChunks.chunkIndex))
    .limit(limit);
  return rows.map(row => row.chunkIndex);
}

/** A batch's failures in the order of their `{id}`. */
export function listFailures(
  db: Executor,
  { batchId, afterIndex, limit }: { batchId: string; afterIndex: number; limit: number },
): Promise<UserFailure[]> {
  return db
    .select({
      index: bulkFailures.index,
      username: bulkFailures.username,
      code: bulkFailures.code,
      detail: bulkFailures.detail,
    })
    .from(bulkFailures)
    .where(and(eq(bulkFailures.batchId, batchId), gt(bulkFailures.index, afterIndex)))
    .orderBy(asc(bulkFailures.index))
    .limit(limit);
}
