import { and, eq, gte, lt, sql } from 'drizzle-orm';
import { bulkUserPasswordHashes as hashes } from '../../../drizzle/platform/schema/bulk-users.ts';
import type { Executor } from '../../platform/postgres/db.ts';

/** The hashes of a batch's distinct passwords, by slot, in Muster's database. Whoever stores a slot first wins. */
export interface SlotHashes {
  slots: number[];
  hashes: string[];
}

export async function storeHashes(db: Executor, batchId: string, made: SlotHashes): Promise<void> {
  await db.execute(sql`
    insert into bulk_user_password_hashes (batch_id, slot, password_hash)
    select ${batchId}::uuid, slot, hash
    from unnest(${sql.param(made.slots)}::int[], ${sql.param(made.hashes)}::text[]) as made (slot, hash)
    on conflict do nothing`);
}

/** Those of the slots that are stored. */
export async function readHashes(db: Executor, batchId: string, slots: number[]): Promise<SlotHashes> {
  const rows = await db
    .select({ slot: hashes.slot, hash: hashes.passwordHash })
    .from(hashes)
    .where(and(eq(hashes.batchId, batchId), sql`${hashes.slot} = any (${sql.param(slots)}::int[])`));
  return { slots: rows.map(row => row.slot), hashes: rows.map(row => row.hash) };
}

/** How many of the slots from `first` up to, and without, `end` are stored, by parts of `size`: part number to count. */
export async function countHashesByPart(
  db: Executor,
  batchId: string,
  { first, end, size }: { first: number; end: number; size: number },
): Promise<Map<number, number>> {
  const part = sql<number>`${hashes.slot} / ${sql.raw(String(size))}`;
  const rows = await db
    .select({ part, count: sql<number>`count(*)::int` })
    .from(hashes)
    .where(and(eq(hashes.batchId, batchId), gte(hashes.slot, first), lt(hashes.slot, end)))
    .groupBy(part);
  return new Map(rows.map(row => [row.part, row.count]));
}
