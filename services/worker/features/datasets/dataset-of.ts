import { AppError } from '../../../../shared/kernel/errors.ts';
import { type DatasetRow, findDataset } from '../../../../shared/store/datasets/datasets.ts';
import type { JobCall } from '../../job-runner.ts';
import type { DatasetsDeps } from './deps.ts';

export type GenerateCall = JobCall<{ dataset_id: string }>;

/** The dataset that a job generates. @throws AppError `not_found` when it was deleted, or is another job's by now */
export async function datasetOf(
  { db }: DatasetsDeps,
  { input: { dataset_id: id }, jobId }: GenerateCall,
): Promise<DatasetRow> {
  const found = await findDataset(db, id);
  if (found?.dataset.jobId !== jobId) throw new AppError('not_found', `The dataset ${id} was deleted`);
  return found.dataset;
}
