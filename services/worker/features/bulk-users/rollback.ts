import { AppError } from '../../../../shared/kernel/errors.ts';
import type { Executor } from '../../../../shared/platform/db.ts';
import { markRolledBack, withdrawChunks } from '../../../../shared/store/bulk-ledger.ts';
import { deleteBatchUsers } from '../../../../shared/store/user-directory.ts';

/**
 * Removes what a batch has created: first no chunk can write any more, then its users go and its chunks are marked,
 * in one transaction, which is undone when more users would go than the ledger has.
 * @returns how many users the batch had, also when a worker that died had removed them already
 */
export async function rollBackBatch(testDataDb: Executor, batchId: string): Promise<number> {
  await withdrawChunks(testDataDb, batchId);
  return testDataDb.transaction(async tx => {
    const recorded = await markRolledBack(tx, batchId);
    const removed = await deleteBatchUsers(tx, batchId);
    if (removed <= recorded) return recorded;
    throw new AppError(
      'conflict',
      `The batch has ${removed} users and its ledger ${recorded}: nothing was removed`,
      {
        hint: 'Somebody else wrote users under this batch id. Look at them before they are removed by hand.',
      },
    );
  });
}
