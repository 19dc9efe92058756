import { and, eq, isNull, sql } from 'drizzle-orm';
import { bulkUserBatches } from '../../../drizzle/platform/schema/bulk-users.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { uncleaned } from './bulk-cleanup.ts';
import type { AgePage, Selection } from './bulk-cleanup-batches.ts';

/**
 * Batches that the ledger alone has users of: a sync brought them into the application, from another Muster for one, or
 * after the cleanup of the batch. Muster's database has no row of such a batch, or one that is cleaned up. None of its
 * users was made by a worker here: what a creation has begun without a row is no cleanup's to end.
 */
export interface PulledBatch {
  id: string;
  /** When the last of its users came. */
  createdAt: Date;
  /** Users that cleanup has not removed. */
  users: number;
  /** Users that came at once, at most. */
  chunkSize: number;
}

/** Muster's database, and the application's with the ledger. */
export interface BothDatabases {
  db: Executor;
  applicationDb: Executor;
}

/** No worker has ever taken such a chunk: it was recorded with its users. */
const ofPull = sql`started_at is null and created_count > 0`;

/**
 * Pulled batches in the order of their age, from the one after `after` on. Selected by its id, a batch is there also when
 * none of its users is left: the worker that removed them may have died over it.
 */
export async function listPulledBatches(
  { db, applicationDb }: BothDatabases,
  selection: Selection,
  { after, limit }: AgePage = {},
): Promise<PulledBatch[]> {
  const kept = await listKept(db, selection);
  const [chosen, having] =
    'batchId' in selection
      ? [sql`batch_id = ${selection.batchId}`, sql`true`]
      : [uncleaned, sql`max(finished_at) < ${selection.createdBefore.toISOString()}::timestamptz`];
  const rows = await applicationDb.execute<{ id: string; came: string; users: number; largest: number }>(sql`
    select batch_id as id, to_json(max(finished_at)) #>> '{}' as came, max(created_count) as largest,
      coalesce(sum(created_count) filter (where ${uncleaned}), 0)::int as users
    from muster.bulk_chunks
    where ${chosen} and not exists (select from unnest(${kept}::uuid[]) as kept (id) where kept.id = batch_id)
    group by batch_id
    having bool_or(${ofPull}) and bool_and(${ofPull} or not (${uncleaned})) and ${having}
      ${after === undefined ? sql`` : sql`and (max(finished_at), batch_id) > (${after.createdAt.toISOString()}::timestamptz, ${after.id}::uuid)`}
    order by max(finished_at), batch_id
    ${limit === undefined ? sql`` : sql`limit ${limit}`}`);
  return rows.map(({ id, came, users, largest }) => ({
    id,
    createdAt: new Date(came),
    users,
    chunkSize: largest,
  }));
}

export async function findPulledBatch(
  databases: BothDatabases,
  batchId: string,
): Promise<PulledBatch | undefined> {
  const [found] = await listPulledBatches(databases, { batchId });
  return found;
}

/** The ids of batches that have a row and are not cleaned up, as an array literal; of one batch, where one is selected. */
async function listKept(db: Executor, selection: Selection): Promise<string> {
  const rows = await db
    .select({ id: bulkUserBatches.id })
    .from(bulkUserBatches)
    .where(
      and(
        isNull(bulkUserBatches.cleanedUpAt),
        'batchId' in selection ? eq(bulkUserBatches.id, selection.batchId) : undefined,
      ),
    );
  return `{${rows.map(({ id }) => id).join(',')}}`;
}
