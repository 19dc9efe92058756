import { bulkUsersHash, hashesOfTask } from '../../../../shared/contracts/bulk-users.ts';
import { sleep } from '../../../../shared/kernel/time.ts';
import type { BatchRow } from '../../../../shared/store/bulk-users/bulk-batches.ts';
import { countHashesByPart } from '../../../../shared/store/bulk-users/password-hashes.ts';
import type { JobCall } from '../../job-runner.ts';
import { createRevival } from '../../refusal.ts';
import type { BulkUsersDeps } from './deps.ts';

/** Parts that the queue holds of one batch at most. */
const partsAhead = 64;
const pollMs = 100;

/**
 * Has a batch's distinct passwords hashed by all workers, once, before its first chunk: hands parts out in order and
 * watches the stored hashes, which alone say what is done.
 */
export async function conductHashes(
  { db, queue }: BulkUsersDeps,
  batch: BatchRow,
  call: JobCall<unknown>,
): Promise<void> {
  const total = batch.config.distinct_passwords;
  if (typeof total !== 'number') return;
  const parts = Math.ceil(total / hashesOfTask);
  const taskOf = (part: number) => ({ batch_id: batch.id, part, run: call.run });
  let open: number[] = [];
  let next = 0;
  const revive = createRevival(queue, bulkUsersHash);
  for (;;) {
    call.signal.throwIfAborted();
    const due = Array.from({ length: Math.min(partsAhead - open.length, parts - next) }, (_, i) => next + i);
    next += due.length;
    open = open.concat(due);
    const { left, hashed } = await lookAt(db, { batchId: batch.id, total, open, next });
    call.report({ phase: 'hashing', done: hashed, total });
    open = left;
    if (open.length === 0 && next === parts) return;
    const wanted = new Set(open);
    await queue.enqueueAll(bulkUsersHash, due.filter(part => wanted.has(part)).map(taskOf));
    await revive(() => open.map(taskOf));
    await sleep(pollMs, call.signal);
  }
}

interface Standing {
  batchId: string;
  total: number;
  /** Parts that were handed out and not seen done, ascending. */
  open: number[];
  next: number;
}

/** Which of the open parts are not done yet, and how many hashes there are of all parts until `next`. */
async function lookAt(db: BulkUsersDeps['db'], { batchId, total, open, next }: Standing) {
  const [lowest] = open;
  if (lowest === undefined) return { left: [], hashed: Math.min(total, next * hashesOfTask) };
  const range = { first: lowest * hashesOfTask, end: next * hashesOfTask, size: hashesOfTask };
  const counts = await countHashesByPart(db, batchId, range);
  const left = open.filter(
    part => (counts.get(part) ?? 0) < Math.min(hashesOfTask, total - part * hashesOfTask),
  );
  const counted = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return { left, hashed: range.first + counted };
}
