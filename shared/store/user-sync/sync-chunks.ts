import { and, eq, sql } from 'drizzle-orm';
import { syncChunks, type syncRuns } from '../../../drizzle/platform/schema/user-sync.ts';
import type { SyncFault } from '../../contracts/user-sync.ts';
import type { CopyConnection } from '../../platform/postgres/copy-connection.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { textArray } from '../text-array.ts';
import type { KeySpan } from './user-spans.ts';

/** The chunks of a sync: `drizzle/platform/schema/user-sync.ts` draws their states. */
type ChunkRow = typeof syncChunks.$inferSelect;
export type SyncMode = (typeof syncRuns.$inferSelect)['mode'];
/** Good for as long as the chunks are those of its job's run: a retry writes others down, whose epochs begin again. */
export interface SyncChunkLease
  extends Pick<ChunkRow, 'runId' | 'chunkIndex' | 'epoch' | 'usernames' | 'users' | 'firstKey' | 'nextKey'> {
  jobRun: number;
}
export type SyncCounts = Pick<
  ChunkRow,
  | 'created'
  | 'updated'
  | 'deletedInApplication'
  | 'deletedInTarget'
  | 'unchanged'
  | 'failed'
  | 'conflicts'
  | 'bytes'
> & { faults: SyncFault[] };

/** Forgets the chunks of an earlier run of the job. */
export async function clearSyncChunks(tx: Executor, runId: string): Promise<void> {
  await tx.delete(syncChunks).where(eq(syncChunks.runId, runId));
}

/** Writes users down, `size` in a chunk, from the chunk number `firstIndex` on; gives the next free number. */
export async function addSyncChunks(
  tx: Executor,
  { runId, firstIndex, size }: { runId: string; firstIndex: number; size: number },
  usernames: readonly string[],
): Promise<number> {
  if (usernames.length === 0) return firstIndex;
  await tx.execute(sql`
    insert into sync_chunks (run_id, chunk_index, usernames, users)
    select ${runId}::uuid, ${firstIndex}::int + (n - 1) / ${size}::int, array_agg(username order by n), count(*)
    from unnest(${textArray(usernames)}::text[]) with ordinality as named(username, n)
    group by 2`);
  return firstIndex + Math.ceil(usernames.length / size);
}

/** Writes spans of keys down, a chunk each: together `users`, `size` in each but the last. */
export async function addSpanChunks(
  tx: Executor,
  { runId, size, users }: { runId: string; size: number; users: number },
  spans: readonly KeySpan[],
): Promise<void> {
  if (spans.length === 0) return;
  const keys = (name: keyof KeySpan) => sql`${textArray(spans.map(span => span[name]))}::text[]`;
  await tx.execute(sql`
    insert into sync_chunks (run_id, chunk_index, usernames, first_key, next_key, users)
    select ${runId}::uuid, n - 1, '{}', first_key, next_key,
      greatest(0, least(${size}::int, ${users}::int - (n - 1) * ${size}::int))
    from unnest(${keys('firstKey')}, ${keys('nextKey')}) with ordinality as span(first_key, next_key, n)`);
}

export interface LanePlace {
  runId: string;
  /** The run of the job that the lane is of. */
  jobRun: number;
  lane: number;
  worker: string;
  mode: SyncMode;
}

/**
 * Takes a chunk for a lane: the one that the lane had when its worker died, else the next. None when the run has gone on
 * to another mode: a lane that only counts must not take what is to be done. Nor when the job runs again.
 */
export async function claimSyncChunk(
  db: Executor,
  { runId, jobRun, lane, worker, mode }: LanePlace,
): Promise<SyncChunkLease | undefined> {
  const [row] = await db.execute<ClaimedRow>(sql`
    update sync_chunks set status = 'running', epoch = epoch + 1, lane = ${lane}, worker = ${worker}
    where run_id = ${runId} and chunk_index = (
      select chunk_index from sync_chunks
      where run_id = ${runId} and (status = 'pending' or (status = 'running' and lane = ${lane}))
        and exists (select from sync_runs where id = ${runId} and mode = ${mode} and planned_run = ${jobRun})
      order by status desc, chunk_index limit 1 for update skip locked)
    returning chunk_index, epoch, usernames, users, first_key, next_key`);
  if (row === undefined) return undefined;
  const { chunk_index: chunkIndex, first_key: firstKey, next_key: nextKey, ...lease } = row;
  return { runId, jobRun, chunkIndex, ...lease, firstKey, nextKey };
}

type ClaimedRow = Pick<ChunkRow, 'epoch' | 'usernames' | 'users'> & {
  chunk_index: number;
  first_key: string | null;
  next_key: string | null;
};

/** Marks a claimed chunk done; false when the lease is void. The last statement of what the chunk has written. */
export async function concludeSyncChunk(
  tx: Executor,
  lease: SyncChunkLease,
  counts: SyncCounts,
): Promise<boolean> {
  const { count } = await tx
    .update(syncChunks)
    .set({ ...counts, status: 'done', finishedAt: sql`clock_timestamp()` })
    .where(
      and(
        eq(syncChunks.runId, lease.runId),
        eq(syncChunks.chunkIndex, lease.chunkIndex),
        eq(syncChunks.epoch, lease.epoch),
        eq(syncChunks.status, 'running'),
        sql`exists (select from sync_runs where id = ${lease.runId} and planned_run = ${lease.jobRun})`,
      ),
    );
  return count > 0;
}

/** The same for a chunk whose users were copied, in the transaction of the connection that copied them. */
export async function concludeCopiedChunk(
  connection: CopyConnection,
  { runId, jobRun, chunkIndex, epoch }: SyncChunkLease,
  { users, bytes }: { users: number; bytes: number },
): Promise<boolean> {
  const marked = await connection.run(
    `update sync_chunks set status = 'done', created = $4, bytes = $5, finished_at = clock_timestamp()
     where run_id = $1 and chunk_index = $2 and epoch = $3 and status = 'running'
       and exists (select from sync_runs where id = $1 and planned_run = $6)`,
    [runId, chunkIndex, epoch, users, bytes, jobRun],
  );
  return marked > 0;
}

/** What was counted is to be done now: in one statement all chunks are open again, and the run's mode is `apply`. */
export async function beginApplying(db: Executor, runId: string): Promise<void> {
  await db.execute(sql`
    with reopened as (
      update sync_chunks set status = 'pending', epoch = epoch + 1, lane = null, finished_at = null
      where run_id = ${runId}
    )
    update sync_runs set mode = 'apply' where id = ${runId}`);
}

/** Withdraws every chunk that is not done: no worker that holds one can conclude it any more. */
export async function withdrawSyncChunks(db: Executor, runId: string): Promise<void> {
  await db.execute(sql`
    update sync_chunks set status = 'cancelled', epoch = epoch + 1, finished_at = clock_timestamp()
    where run_id = ${runId} and status in ('pending', 'running')`);
}

export interface SyncTally extends Omit<SyncCounts, 'faults'> {
  chunks: number;
  chunksDone: number;
  /** Chunks that some lane has or will take. */
  chunksOpen: number;
}

/** Where a run stands, from its chunks; reads none of their lists. */
export async function tallySync(db: Executor, runId: string): Promise<SyncTally> {
  const sum = (column: string) =>
    sql<number>`coalesce(sum(${sql.identifier(column)}) filter (where status = 'done'), 0)::float8`;
  const [tally] = await db
    .select({
      chunks: sql<number>`count(*)::int`,
      chunksDone: sql<number>`(count(*) filter (where status = 'done'))::int`,
      chunksOpen: sql<number>`(count(*) filter (where status in ('pending', 'running')))::int`,
      created: sum('created'),
      updated: sum('updated'),
      deletedInApplication: sum('deleted_in_application'),
      deletedInTarget: sum('deleted_in_target'),
      unchanged: sum('unchanged'),
      failed: sum('failed'),
      conflicts: sum('conflicts'),
      bytes: sum('bytes'),
    })
    .from(syncChunks)
    .where(eq(syncChunks.runId, runId));
  if (tally === undefined) throw new Error('An aggregate gave no row');
  return tally;
}

/** What went wrong or was decided, in the order of the chunks: the first `limit`. */
export async function firstSyncFaults(db: Executor, runId: string, limit: number): Promise<SyncFault[]> {
  const rows = await db.execute<{ fault: SyncFault }>(sql`
    select fault from sync_chunks, jsonb_array_elements(faults) with ordinality as listed(fault, n)
    where run_id = ${runId} and status = 'done' order by chunk_index, n limit ${limit}`);
  return rows.map(({ fault }) => fault);
}

/** How many users the chunks of a run had when they were written down, or those of them that were withdrawn. */
export async function countSyncUsers(db: Executor, runId: string, status?: 'cancelled'): Promise<number> {
  const [row] = await db.execute<{ users: number }>(sql`
    select coalesce(sum(users), 0)::int as users from sync_chunks
    where run_id = ${runId} ${status === undefined ? sql`` : sql`and status = ${status}`}`);
  return row?.users ?? 0;
}
