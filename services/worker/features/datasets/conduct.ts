import { datasetsChunk, totalRows } from '../../../../shared/contracts/datasets.ts';
import { sleep } from '../../../../shared/kernel/time.ts';
import {
  type DatasetTally,
  openDatasetChunks,
  tallyDatasets,
} from '../../../../shared/store/dataset-ledger.ts';
import type { DatasetRow } from '../../../../shared/store/datasets.ts';
import { datasetOf, type GenerateCall } from './dataset-of.ts';
import type { DatasetsDeps } from './deps.ts';

/** How often chunks that are not done are checked against the queue, which may have lost them. */
const reviveEveryMs = 5_000;
const pollMs = 15;

/** Hands a dataset's chunks out, all at once, and watches the ledger until all are done. */
export async function conductDataset(
  deps: DatasetsDeps,
  dataset: DatasetRow,
  call: GenerateCall,
): Promise<DatasetTally> {
  const { applicationDb, queue } = deps;
  const { run, jobId, signal, report } = call;
  const taskOf = (chunk_index: number) => ({ dataset_id: dataset.id, chunk_index, run, job_id: jobId });
  const openTasks = async () => (await openDatasetChunks(applicationDb, dataset.id)).map(taskOf);
  const total = totalRows(dataset);
  await queue.enqueueAll(datasetsChunk, await openTasks());
  for (let checkedAt = performance.now(); ; await sleep(pollMs, signal)) {
    signal.throwIfAborted();
    const tally = (await tallyDatasets(applicationDb, [dataset.id])).get(dataset.id);
    if (tally === undefined) return { chunks: 0, chunksDone: 0, officesDone: 0 };
    report({ phase: 'generating', done: totalRows({ ...dataset, offices: tally.officesDone }), total });
    if (tally.chunksDone === tally.chunks) return tally;
    if (performance.now() - checkedAt < reviveEveryMs) continue;
    checkedAt = performance.now();
    await datasetOf(deps, call); // chunks of one that was deleted do nothing, however often they are handed out
    await queue.reviveAll(datasetsChunk, await openTasks());
  }
}
