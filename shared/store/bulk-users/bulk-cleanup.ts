import { type SQL, sql } from 'drizzle-orm';
import type { Comparison } from '../../contracts/bulk-cleanup.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { deleteReferring } from '../users/user-deletion.ts';
import { refersTo, type UserReference } from '../users/user-references.ts';
import type { UserTable } from '../users/user-table.ts';

/**
 * Cleanup in the application's database, and rollback, which is the same under another mark. What may be deleted is a user whose primary key the ledger recorded for a
 * batch, and that carries the batch's id and the markers to this day: never one that only looks like it. A chunk's users,
 * what refers to them, and the chunk's mark go in one transaction, which holds the chunk's row: whoever else cleans up
 * passes it by, and one that died leaves nothing half done.
 */

/** What a chunk becomes when its users are gone: `drizzle/application/schema/ledger.ts` draws its states. */
export type GoneMark = 'cleaned' | 'rolled_back';

/** Chunks that have users to delete. */
export const uncleaned = sql`status not in ('cleaned', 'rolled_back') and created_count > 0`;

/** Takes from every worker the right to create in these batches, should one have been frozen with it. */
export async function closeBatches(db: Executor, batchIds: string[]): Promise<void> {
  if (batchIds.length === 0) return;
  await db.execute(sql`
    update muster.bulk_chunks set status = 'cancelled', epoch = epoch + 1, finished_at = clock_timestamp()
    where batch_id = any (${listOf(batchIds)}) and status in ('pending', 'running')`);
}

/** SQL condition: the row is a test user that Muster made. */
function isMarked(users: UserTable): SQL {
  const byBulk = users.column('created_by_bulk');
  return byBulk === undefined
    ? sql`${users.column('is_test_user')}`
    : sql`${users.column('is_test_user')} and ${byBulk}`;
}

/** SQL condition: the row carries the id of one of these batches. */
const ofBatches = (users: UserTable, batchIds: string[]): SQL =>
  sql`${users.column('test_batch_id')} = any (${listOf(batchIds)}::${sql.raw(users.mapping.columns.test_batch_id.type)}[])`;

/** How some batches stand in the users table, by batch id. Reads all rows: a role that row-level security binds cannot. */
export async function compareBatches(
  db: Executor,
  users: UserTable,
  batchIds: string[],
): Promise<Map<string, Comparison>> {
  if (batchIds.length === 0) return new Map();
  const [id, batch] = [users.column('id'), users.read('test_batch_id')];
  const rows = await db.execute<Comparison & { batch_id: string }>(sql`
    with chunks as (
      select batch_id, created_count, user_keys from muster.bulk_chunks
      where batch_id = any (${listOf(batchIds)}) and ${uncleaned}
    ), recorded as (
      select batch_id, sum(created_count)::int as recorded from chunks group by 1
    ), rows as (
      select ${id} as id, ${batch} as batch, ${isMarked(users)} as is_marked from ${users.table}
    ), found as (
      select k.batch_id, count(*) filter (where batch = k.batch_id::text and is_marked)::int as present,
        (count(*) filter (where rows.id is null))::int as gone
      from (select batch_id, ${users.key(sql`unnest(user_keys)`)} as id from chunks) as k left join rows using (id)
      group by 1
    ), marked as (
      select ${batch} as batch, count(*)::int as marked from ${users.table}
      where ${ofBatches(users, batchIds)} and ${users.column('is_test_user')} group by 1
    )
    select b.batch_id, coalesce(recorded, 0) as recorded, coalesce(present, 0) as present, coalesce(gone, 0) as gone,
      coalesce(recorded, 0) - coalesce(present, 0) - coalesce(gone, 0) as altered,
      coalesce(marked, 0) - coalesce(present, 0) as unrecorded
    from unnest(${listOf(batchIds)}) as b (batch_id)
    left join recorded using (batch_id) left join found using (batch_id)
    left join marked on marked.batch = b.batch_id::text`);
  return new Map(rows.map(({ batch_id, ...comparison }) => [batch_id, comparison]));
}

/** Rows that refer to users of some batches, by reference, in the order given. */
export async function countReferring(
  db: Executor,
  users: UserTable,
  { references, batchIds }: { references: UserReference[]; batchIds: string[] },
): Promise<number[]> {
  if (references.length === 0 || batchIds.length === 0) return references.map(() => 0);
  const theirs = sql`${ofBatches(users, batchIds)} and ${isMarked(users)}`;
  const counts = references.map(
    reference =>
      sql`(select count(*)::int from ${sql.raw(reference.table)} where ${refersTo(reference, theirs)})`,
  );
  const [row] = await db.execute<{ counts: number[] }>(
    sql`select array[${sql.join(counts, sql`, `)}] as counts`,
  );
  return row?.counts ?? [];
}

/** The keys of all users that the ledger recorded and cleanup has not removed, as a query `(id)`. */
export const recordedKeys = (users: UserTable): SQL => sql`
  select ${users.key(sql`unnest(user_keys)`)} as id from muster.bulk_chunks where ${uncleaned}`;

export interface TakenChunks {
  chunks: number[];
  /** Users that the ledger has of them. */
  recorded: number;
}

export interface BatchCleanup {
  users: UserTable;
  batchId: string;
  mark: GoneMark;
  /** What refers to the users, farthest first. */
  references: UserReference[];
  /** How many recorded users of some chunks have no row any more; asked only when too few could be deleted. */
  countGone(chunks: number[]): Promise<number>;
}

/** Holds the next chunks that nobody else has in hand, until the transaction ends; none when there is none. */
export async function takeChunks(
  tx: Executor,
  { batchId, limit, except }: { batchId: string; limit: number; except: number[] },
): Promise<TakenChunks> {
  await tx.execute(sql`select set_config('jit', 'off', true)`); // many short statements: compiling costs more than they do
  const rows = await tx.execute<{ chunk_index: number; created_count: number }>(sql`
    select chunk_index, created_count from muster.bulk_chunks
    where batch_id = ${batchId} and ${uncleaned} and chunk_index <> all (${integers(except)})
    order by chunk_index limit ${limit} for update skip locked`);
  return {
    chunks: rows.map(row => row.chunk_index),
    recorded: rows.reduce((total, row) => total + row.created_count, 0),
  };
}

/** Whether a batch has chunks to clean up besides those named. */
export async function hasUncleaned(db: Executor, batchId: string, except: number[]): Promise<boolean> {
  const found = await db.execute(sql`
    select from muster.bulk_chunks
    where batch_id = ${batchId} and ${uncleaned} and chunk_index <> all (${integers(except)}) limit 1`);
  return found.length > 0;
}

/**
 * Deletes the users of held chunks, and first what refers to them, over the role that may delete test users only.
 * @throws AppError `ledger_mismatch` when users are left over that are neither deleted nor gone
 */
export async function cleanChunks(tx: Executor, cleanup: BatchCleanup, taken: TakenChunks): Promise<void> {
  const equal = sql`any (array(${keysOf(cleanup, taken.chunks)}))`;
  const theirs = sql`${cleanup.users.column('id')} = ${equal}`;
  const keys = { column: cleanup.users.mapping.columns.id.name, equal };
  const rows = await deleteReferring(tx, cleanup.references, theirs, keys);
  const deleted = await deleteUsers(tx, cleanup, taken.chunks);
  const gone = deleted === taken.recorded ? 0 : await cleanup.countGone(taken.chunks);
  if (deleted + gone !== taken.recorded) throw mismatch(cleanup.batchId, taken, deleted, gone);
  await markGone(tx, cleanup, taken.chunks, { rows: { users: deleted, ...rows }, gone });
}

type OfBatch = Pick<BatchCleanup, 'users' | 'batchId'>;

async function deleteUsers(tx: Executor, { users, batchId }: OfBatch, chunks: number[]): Promise<number> {
  const { count } = await tx.execute(sql`
    delete from ${users.table} where ${users.column('id')} = any (array(${keysOf({ users, batchId }, chunks)}))
      and ${users.column('test_batch_id')} = ${users.batch(batchId)} and ${isMarked(users)}`);
  return count;
}

/** Recorded users of some chunks of whom there is no row any more. Reads all rows, as `compareBatches`. */
export async function countGoneUsers(
  db: Executor,
  { users, batchId }: OfBatch,
  chunks: number[],
): Promise<number> {
  const [row] = await db.execute<{ gone: number }>(sql`
    select count(*)::int as gone from (${keysOf({ users, batchId }, chunks)}) as k (id)
    where not exists (select from ${users.table} as rows where rows.${users.column('id')} = k.id)`);
  return row?.gone ?? 0;
}

/** The first of the chunks keeps what went with all of them. */
async function markGone(
  tx: Executor,
  { batchId, mark }: Pick<BatchCleanup, 'batchId' | 'mark'>,
  chunks: number[],
  { rows, gone }: { rows: Record<string, number>; gone: number },
): Promise<void> {
  await tx.execute(sql`
    update muster.bulk_chunks set status = ${mark}, epoch = epoch + 1, user_keys = '{}',
      finished_at = clock_timestamp(),
      cleaned_rows = case when chunk_index = ${chunks[0]} then ${JSON.stringify(rows)}::jsonb else '{}' end,
      gone_count = case when chunk_index = ${chunks[0]} then ${gone}::int else 0 end
    where batch_id = ${batchId} and chunk_index = any (${integers(chunks)})`);
}

/** The recorded primary keys of some chunks, as a subquery. */
const keysOf = ({ users, batchId }: OfBatch, chunks: number[]): SQL => sql`
  select ${users.key(sql`unnest(user_keys)`)} from muster.bulk_chunks
  where batch_id = ${batchId} and chunk_index = any (${integers(chunks)})`;

const listOf = (ids: string[]): SQL => sql`${`{${ids.join(',')}}`}::uuid[]`;
const integers = (numbers: number[]): SQL => sql`${`{${numbers.join(',')}}`}::int[]`;

const mismatch = (
  batchId: string,
  { chunks, recorded }: TakenChunks,
  deleted: number,
  gone: number,
): AppError =>
  new AppError(
    'ledger_mismatch',
    `Chunk ${chunks.join(', ')} of the batch ${batchId} has ${recorded} users in the ledger; ${deleted} could be deleted and ${gone} are gone already. Nothing of it was deleted`,
    { hint: 'POST /api/bulk-users/lifecycle/cleanup with dry_run says more.' },
  );
