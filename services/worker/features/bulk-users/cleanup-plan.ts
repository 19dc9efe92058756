import type {
  CleanedBatch,
  Comparison,
  TouchedForeignKey,
} from '../../../../shared/contracts/bulk-cleanup.ts';
import { compareBatches, countReferring } from '../../../../shared/store/bulk-users/bulk-cleanup.ts';
import type { UserReference } from '../../../../shared/store/users/user-references.ts';
import type { CleanupBatch } from './cleanup-batches.ts';
import type { BulkUsersDeps } from './deps.ts';

/** Batches that are compared in one statement. */
const page = 100;

export const nothingRecorded: Comparison = { recorded: 0, present: 0, gone: 0, altered: 0, unrecorded: 0 };

/** How the batches stand in the users table, by batch id. */
export async function compareAll(
  { applicationDb, users }: BulkUsersDeps,
  batches: { id: string }[],
  signal: AbortSignal,
): Promise<Map<string, Comparison>> {
  const compared = new Map<string, Comparison>();
  for (let start = 0; start < batches.length; start += page) {
    signal.throwIfAborted();
    const ids = batches.slice(start, start + page).map(({ id }) => id);
    for (const [id, comparison] of await compareBatches(applicationDb, users, ids))
      compared.set(id, comparison);
  }
  return compared;
}

/**
 * Why `strict_mode` refuses a batch; undefined when table and ledger agree. They do where users of a pulled batch are gone:
 * the next sync that deletes them leaves the ledger as it is, and nothing but a cleanup ever ends such a batch.
 */
export function disagreement(
  { id, isPulled }: Pick<CleanupBatch, 'id' | 'isPulled'>,
  { recorded, present, altered, unrecorded, ...comparison }: Comparison,
): CleanedBatch['error'] {
  const gone = isPulled ? 0 : comparison.gone;
  if (gone + altered + unrecorded === 0) return undefined;
  const parts = [
    gone > 0 && `${gone} are gone, the application deleted them`,
    altered > 0 && `${altered} are no test users of this batch any more`,
    unrecorded > 0 && `${unrecorded} more carry its id without being recorded`,
  ].filter(part => part !== false);
  return {
    code: 'ledger_mismatch',
    message: `The batch ${id} has ${recorded} users in the ledger and ${present} of them in the table: ${parts.join('; ')}. Nothing was deleted, as strict_mode has it`,
  };
}

/** What refers to the users, with how many rows where they were counted. */
export const presentReferences = (references: UserReference[], counts?: number[]): TouchedForeignKey[] =>
  references.map((reference, index) => ({
    name: reference.name,
    table: reference.table,
    references: reference.parent,
    on_delete: reference.on_delete,
    action: reference.action,
    indexed: reference.indexed,
    ...(counts && { rows: counts[index] ?? 0 }),
  }));

/** Rows that a cleanup of the batches would delete, by table, besides the foreign keys with their rows. */
export async function countAffected(
  { applicationDb, users }: BulkUsersDeps,
  { references, batchIds }: { references: UserReference[]; batchIds: string[] },
): Promise<{ tables: Record<string, number>; foreignKeys: TouchedForeignKey[] }> {
  const counts = await countReferring(applicationDb, users, { references, batchIds });
  const tables: Record<string, number> = {};
  references.forEach(({ action, table }, index) => {
    if (action === 'delete') tables[table] = (tables[table] ?? 0) + (counts[index] ?? 0);
  });
  return { tables, foreignKeys: presentReferences(references, counts) };
}
