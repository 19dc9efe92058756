import { bulkUsersChunk } from '../../../../shared/contracts/bulk-users.ts';
import { sleep } from '../../../../shared/kernel/time.ts';
import type { BatchRow } from '../../../../shared/store/bulk-users/bulk-batches.ts';
import { openChunks } from '../../../../shared/store/bulk-users/bulk-ledger.ts';
import { type Tally, tallyBatch } from '../../../../shared/store/bulk-users/bulk-tallies.ts';
import type { JobCall } from '../../job-runner.ts';
import type { BulkUsersDeps } from './deps.ts';

/** Chunks that the queue holds of one batch at most: enough for many workers, few enough to withdraw quickly. */
const chunksAhead = 256;
/** How often chunks that were handed out and are not done are checked against the queue. */
const reviveEveryMs = 5_000;
/** Between two looks at the ledger: short while it moves, longer while it stands still. */
const pollMs = { min: 15, max: 60 };

/**
 * Hands a batch's chunks out and watches the ledger until all are done or one is refused, or, under `on_error: rollback`,
 * until the first failure. The ledger, not the queue, says what is done: a chunk that the queue lost is handed out again.
 */
export async function conductChunks(
  deps: BulkUsersDeps,
  batch: BatchRow,
  call: JobCall<unknown>,
): Promise<Tally> {
  const handOut = createHandOut(deps, batch, call.run);
  let pause = pollMs.min;
  let before = -1;
  for (;;) {
    call.signal.throwIfAborted();
    const tally = await tallyBatch(deps.applicationDb, batch.id);
    if (tally.refusal !== null) return tally;
    if (batch.config.on_error === 'rollback' && tally.failedThisRun > 0) return tally;
    const done = tally.created + tally.failed;
    call.report({ phase: 'creating', done, total: batch.totalRequested });
    if (tally.chunksDone === tally.chunks) return tally;
    await handOut();
    pause = done === before ? Math.min(pollMs.max, pause * 1.5) : pollMs.min;
    before = done;
    await sleep(pause, call.signal);
  }
}

function createHandOut({ applicationDb, queue }: BulkUsersDeps, batch: BatchRow, run: number) {
  const intervalMs = batch.config.creation_interval_ms;
  const taskOf = (chunk_index: number) => ({ batch_id: batch.id, chunk_index, run });
  let handedOut = -1;
  let nextAt = 0;
  let checkedAt = performance.now();

  return async function handOut(): Promise<void> {
    const now = performance.now();
    const open = await openChunks(applicationDb, { batchId: batch.id, fromIndex: 0, limit: chunksAhead });
    if (now - checkedAt >= reviveEveryMs) {
      checkedAt = now;
      await queue.reviveAll(bulkUsersChunk, open.filter(index => index <= handedOut).map(taskOf));
    }
    if (now < nextAt) return;
    const due = open.filter(index => index > handedOut).slice(0, intervalMs > 0 ? 1 : chunksAhead);
    if (due.length === 0) return;
    await queue.enqueueAll(bulkUsersChunk, due.map(taskOf));
    handedOut = due.at(-1) ?? handedOut;
    nextAt = now + intervalMs;
  };
}
