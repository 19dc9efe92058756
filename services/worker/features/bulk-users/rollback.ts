import { markRolledBack, withdrawChunks } from '../../../../shared/store/bulk-ledger.ts';
import { assertGuards } from '../../../../shared/store/guards/faults.ts';
import { deleteRecordedUsers } from '../../../../shared/store/user-directory.ts';
import { assertNothingCascades, readUserReferences } from '../../../../shared/store/user-references.ts';
import type { BulkUsersDeps } from './deps.ts';

/**
 * Removes what a batch has created: first no chunk can write any more, then the users that the ledger has keys of go and
 * its chunks are marked, in one transaction.
 * @returns how many users the batch had, also when a worker that died had removed them already
 */
export async function rollBackBatch(
  { testDataDb, users }: Pick<BulkUsersDeps, 'testDataDb' | 'users'>,
  batchId: string,
): Promise<number> {
  await withdrawChunks(testDataDb, batchId);
  await assertGuards(testDataDb, users.mapping);
  return testDataDb.transaction(async tx => {
    const references = await readUserReferences(tx, users); // as the role sees them that deletes
    assertNothingCascades(references);
    await deleteRecordedUsers(tx, users, { batchId, references });
    return markRolledBack(tx, batchId);
  });
}
