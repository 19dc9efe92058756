import { type SQL, sql } from 'drizzle-orm';
import type { Executor } from '../../platform/postgres/db.ts';
import { type GoneMark, uncleaned } from './bulk-cleanup.ts';

/** How far cleanups are, counted from the chunks of the ledger. */

export type CleanupTally = {
  /** Users of chunks that have the mark: deleted now or gone before. */
  cleaned: number;
  /** Of those counted as `cleaned`: users whom Muster deleted. */
  deleted: number;
  /** Users of chunks that do not have the mark. */
  left: number;
};

/** A batch whose cleanup is counted. */
export interface CountedBatch {
  id: string;
  /** What was cleaned before, an earlier cleanup counted: of users whom a sync brought back under the id of their batch. */
  countedFrom?: Date | undefined;
}

/** How far the cleanup of some batches is, or their rollback, by batch id. */
export async function tallyCleanup(
  db: Executor,
  batches: CountedBatch[],
  mark: GoneMark = 'cleaned',
): Promise<Map<string, CleanupTally>> {
  if (batches.length === 0) return new Map();
  const rows = await db.execute<CleanupTally & { batch_id: string }>(sql`
    select batch_id, coalesce(sum(created_count) filter (where status = ${mark} and is_counted), 0)::int as cleaned,
      coalesce(sum(created_count - gone_count) filter (where status = ${mark} and is_counted), 0)::int as deleted,
      coalesce(sum(created_count) filter (where ${uncleaned}), 0)::int as left
    from (${chunksOf(batches)}) as chunks group by 1`);
  return new Map(rows.map(({ batch_id, ...tally }) => [batch_id, tally]));
}

/** Rows that cleanup deleted for some batches, by table. */
export async function sumCleanedRows(db: Executor, batches: CountedBatch[]): Promise<Record<string, number>> {
  if (batches.length === 0) return {};
  const rows = await db.execute<{ table: string; rows: number }>(sql`
    select key as "table", sum(value::int)::int as rows
    from (${chunksOf(batches)}) as chunks, jsonb_each_text(cleaned_rows)
    where status = 'cleaned' and is_counted group by 1 order by 1`);
  return Object.fromEntries(rows.map(({ table, rows: count }) => [table, count]));
}

/** The chunks of some batches, and of each whether it counts if it was cleaned. */
function chunksOf(batches: CountedBatch[]): SQL {
  const counted = batches.map(({ id, countedFrom }) => ({ id, counted_from: countedFrom }));
  return sql`
    select c.*, (counted_from is null or finished_at >= counted_from) as is_counted
    from muster.bulk_chunks c
    join jsonb_to_recordset(${JSON.stringify(counted)}::jsonb) as b (id uuid, counted_from timestamptz) on b.id = c.batch_id`;
}
