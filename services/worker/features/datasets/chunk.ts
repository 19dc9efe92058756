import { datasetsChunk } from '../../../../shared/contracts/datasets.ts';
import { isTerminal } from '../../../../shared/contracts/job.ts';
import { AppError, isAppError } from '../../../../shared/kernel/errors.ts';
import { implement } from '../../../../shared/platform/queue/consumer.ts';
import type { PayloadOf } from '../../../../shared/platform/queue/contract.ts';
import {
  claimDatasetChunk,
  concludeDatasetChunk,
  type DatasetChunkLease,
} from '../../../../shared/store/datasets/dataset-ledger.ts';
import { type DatasetRows, insertOffices } from '../../../../shared/store/datasets/dataset-rows.ts';
import { findDataset } from '../../../../shared/store/datasets/datasets.ts';
import { shareTestData } from '../../../../shared/store/test-data-lock.ts';
import { limitTransaction } from '../../../../shared/store/transactions.ts';
import { orRefusal } from '../../refusal.ts';
import type { DatasetsDeps } from './deps.ts';

/** Well above what a chunk takes on a slow database, behind a restore that holds the test data for itself. */
const longestChunkMs = 120_000;

const nothing = { offices: 0 };

/**
 * One chunk: its offices with all that belongs to them and its `done` mark are one transaction, held to the epoch
 * under which this worker claimed it. A task that comes too late does nothing and completes. One that
 * no further try gets past says so in its result.
 */
export const generateChunk = implement(
  datasetsChunk,
  (deps: DatasetsDeps) => context =>
    orRefusal(deps.logger, context, nothing, () => makeOffices(deps, context.payload)),
);

async function makeOffices(deps: DatasetsDeps, payload: PayloadOf<typeof datasetsChunk>) {
  const rows = await rowsFor(deps, payload);
  if (rows === undefined) return nothing;
  const lease = await claimDatasetChunk(deps.applicationDb, {
    datasetId: payload.dataset_id,
    chunkIndex: payload.chunk_index,
    worker: deps.workerName,
  });
  if (lease === undefined) return nothing;
  try {
    await writeChunk(deps, rows, lease);
    return { offices: lease.offices };
  } catch (error) {
    if (isAppError(error, 'lease_lost')) return nothing;
    throw error;
  }
}

async function rowsFor(
  { db }: DatasetsDeps,
  { dataset_id, run, job_id }: { dataset_id: string; run: number; job_id: string },
): Promise<DatasetRows | undefined> {
  const found = await findDataset(db, dataset_id);
  if (found?.job.id !== job_id || isTerminal(found.job.status) || found.job.run !== run) return undefined;
  const { dataset } = found;
  if (dataset.passwordHash === null)
    throw new AppError('internal_error', `The dataset ${dataset_id} has no password hash yet`);
  return { datasetId: dataset.id, definition: dataset, passwordHash: dataset.passwordHash };
}

const writeChunk = (
  { applicationDb }: DatasetsDeps,
  rows: DatasetRows,
  lease: DatasetChunkLease,
): Promise<void> =>
  applicationDb.transaction(async tx => {
    await limitTransaction(tx, longestChunkMs);
    await shareTestData(tx);
    if (!(await concludeDatasetChunk(tx, lease))) throw new AppError('lease_lost');
    const { firstOffice, offices } = lease;
    await insertOffices(tx, rows, { first: firstOffice, last: firstOffice + offices - 1 });
  });
