import { datasetsDelete } from '../../../../shared/contracts/datasets.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import { secondsSince } from '../../../../shared/kernel/time.ts';
import { sqlMessageOf, sqlStateOf } from '../../../../shared/platform/postgres/sql-state.ts';
import { deleteDatasetRows, forgetDataset } from '../../../../shared/store/datasets/datasets.ts';
import { claimTestData } from '../../../../shared/store/test-data-lock.ts';
import { implementJob } from '../../job-runner.ts';
import type { DatasetsDeps } from './deps.ts';

const foreignKeyViolation = '23503';

/** Deletes a dataset's rows in one transaction, then the dataset. A second time finds nothing left and ends well. */
export const deleteDataset = implementJob(datasetsDelete, (deps: DatasetsDeps) => async ({ input }) => {
  const { dataset_id } = input;
  const startedAt = performance.now();
  const rows = await deps.applicationDb
    .transaction(async tx => {
      await claimTestData(tx);
      return deleteDatasetRows(tx, dataset_id);
    })
    .catch((error: unknown) => {
      throw sqlStateOf(error) === foreignKeyViolation ? stillReferred(error) : error;
    });
  await forgetDataset(deps.db, dataset_id);
  const total_rows = Object.values(rows).reduce((total, count) => total + count, 0);
  return { dataset_id, rows, total_rows, seconds: secondsSince(startedAt) };
});

const stillReferred = (cause: unknown): AppError =>
  new AppError(
    'conflict',
    `Another row refers to the dataset, so nothing was deleted: ${sqlMessageOf(cause)}`,
    {
      hint: 'Remove that row first; Muster only removes its own.',
      cause,
    },
  );
