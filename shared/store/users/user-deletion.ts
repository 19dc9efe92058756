import { type SQL, sql } from 'drizzle-orm';
import type { Executor } from '../../platform/postgres/db.ts';
import { refersTo, type UserReference } from './user-references.ts';

/**
 * Deletes what refers to some users, the farthest first, where it is Muster's to delete: call it before their deletion.
 * @param users the users, as a condition; with `keys`, an index serves it (`refersTo`)
 * @returns the deleted rows, by table, of tables that had any
 */
export async function deleteReferring(
  tx: Executor,
  references: readonly UserReference[],
  users: SQL,
  keys?: Parameters<typeof refersTo>[2],
): Promise<Record<string, number>> {
  const rows: Record<string, number> = {};
  for (const reference of references) {
    if (reference.action !== 'delete') continue;
    const { count } = await tx.execute(
      sql`delete from ${sql.raw(reference.table)} where ${refersTo(reference, users, keys)}`,
    );
    if (count > 0) rows[reference.table] = (rows[reference.table] ?? 0) + count;
  }
  return rows;
}
