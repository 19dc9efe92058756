import { isTerminal } from '../../../../shared/contracts/job.ts';
import { type BatchRow, findBatch } from '../../../../shared/store/bulk-users/bulk-batches.ts';
import type { BulkUsersDeps } from './deps.ts';

/** The batch that a task is a part of; undefined when its job has ended, or runs anew: the task came too late. */
export async function openBatch(
  { db }: Pick<BulkUsersDeps, 'db'>,
  { batch_id, run }: { batch_id: string; run: number },
): Promise<BatchRow | undefined> {
  const found = await findBatch(db, batch_id);
  if (found === undefined || isTerminal(found.job.status) || found.job.run !== run) return undefined;
  return found.batch;
}
