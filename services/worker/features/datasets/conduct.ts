import { datasetsChunk, totalRows } from '../../../../shared/contracts/datasets.ts';
import { sleep } from '../../../../shared/kernel/time.ts';
import {
  type DatasetTally,
  openDatasetChunks,
  tallyDatasets,
} from '../../../../shared/store/datasets/dataset-ledger.ts';
import type { DatasetRow } from '../../../../shared/store/datasets/datasets.ts';
import { createRevival } from '../../refusal.ts';
import { datasetOf, type GenerateCall } from './dataset-of.ts';
import type { DatasetsDeps } from './deps.ts';

const pollMs = 15;

/** Hands a dataset's chunks out, all at once, and watches the ledger until all are done, or one is refused. */
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
  const revive = createRevival(queue, datasetsChunk);
  for (; ; await sleep(pollMs, signal)) {
    signal.throwIfAborted();
    const tally = (await tallyDatasets(applicationDb, [dataset.id])).get(dataset.id);
    if (tally === undefined) return { chunks: 0, chunksDone: 0, officesDone: 0 };
    report({ phase: 'generating', done: totalRows({ ...dataset, offices: tally.officesDone }), total });
    if (tally.chunksDone === tally.chunks) return tally;
    await revive(async () => {
      await datasetOf(deps, call); // chunks of one that was deleted do nothing, however often they are handed out
      return openTasks();
    });
  }
}
