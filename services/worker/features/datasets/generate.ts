import { datasetsGenerate, rowsOf, totalRows } from '../../../../shared/contracts/datasets.ts';
import { isAppError } from '../../../../shared/kernel/errors.ts';
import { hashTestPassword } from '../../../../shared/platform/passwords/password.ts';
import {
  type DatasetTally,
  planDataset,
  tallyDatasets,
  withdrawDataset,
} from '../../../../shared/store/datasets/dataset-ledger.ts';
import { insertSystemStaff } from '../../../../shared/store/datasets/dataset-rows.ts';
import { type DatasetRow, markDatasetPlanned } from '../../../../shared/store/datasets/datasets.ts';
import { shareTestData } from '../../../../shared/store/test-data-lock.ts';
import { cancelledWith, implementJob } from '../../job-runner.ts';
import { conductDataset } from './conduct.ts';
import { datasetOf, type GenerateCall } from './dataset-of.ts';
import type { DatasetsDeps } from './deps.ts';

/** The password of all staff of all datasets, as the source has it; that of bulk users by default. */
const staffPassword = 'TestPass123!';

/**
 * The conductor of one dataset. It makes the system staff and no other row: it plans chunks, hands them out, watches
 * the ledger. Each step may be done twice, by a conductor that follows one that died.
 */
export const generateDataset = implementJob(datasetsGenerate, (deps: DatasetsDeps) => async call => {
  const dataset = await datasetOf(deps, call);
  try {
    await plan(deps, dataset, call);
    return resultOf(dataset, call, await conductDataset(deps, dataset, call));
  } catch (error) {
    const isCancelled = isAppError(call.signal.reason, 'cancelled');
    if (isCancelled || isAppError(error, 'chunk_refused'))
      await withdrawDataset(deps.applicationDb, dataset.id);
    if (!isCancelled) throw error;
    const tallies = await tallyDatasets(deps.applicationDb, [dataset.id]);
    throw cancelledWith(resultOf(dataset, call, tallies.get(dataset.id)));
  }
});

async function plan(
  { db, applicationDb }: DatasetsDeps,
  dataset: DatasetRow,
  call: GenerateCall,
): Promise<void> {
  if (dataset.plannedRun >= call.run) return;
  call.report({ phase: 'planning', done: 0, total: totalRows(dataset) });
  const passwordHash = dataset.passwordHash ?? (await hashTestPassword(staffPassword, saltOf(dataset)));
  await applicationDb.transaction(async tx => {
    await shareTestData(tx);
    await insertSystemStaff(tx, { datasetId: dataset.id, definition: dataset, passwordHash });
    await planDataset(tx, { ...dataset, datasetId: dataset.id });
  });
  await markDatasetPlanned(db, dataset.id, { run: call.run, passwordHash });
  dataset.passwordHash = passwordHash;
}

/** The dataset's id, which is a digest: the same dataset has the same hashes. */
const saltOf = ({ id }: DatasetRow): Uint8Array => Buffer.from(id.replaceAll('-', ''), 'hex');

function resultOf(dataset: DatasetRow, call: GenerateCall, tally: DatasetTally | undefined) {
  const made = { ...dataset, offices: tally?.officesDone ?? 0 };
  return {
    dataset_id: dataset.id,
    rows: rowsOf(made),
    total_rows: totalRows(made),
    seconds: Math.max(0, Date.now() - call.startedAt.getTime()) / 1000,
  };
}
