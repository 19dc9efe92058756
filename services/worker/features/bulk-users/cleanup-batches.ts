import type { CleanupInput } from '../../../../shared/contracts/bulk-cleanup.ts';
import type { BatchRow } from '../../../../shared/store/bulk-users/bulk-batches.ts';
import { closeBatches } from '../../../../shared/store/bulk-users/bulk-cleanup.ts';
import {
  assertFreeForCleanup,
  finishCleanup,
  listTaken,
  recordCleanup,
  type Selection,
  takeForCleanup,
} from '../../../../shared/store/bulk-users/bulk-cleanup-batches.ts';
import { byAge, listCleanupCandidates } from '../../../../shared/store/bulk-users/cleanup-candidates.ts';
import { type CountedBatch, tallyCleanup } from '../../../../shared/store/bulk-users/cleanup-tallies.ts';
import { listPulledBatches } from '../../../../shared/store/bulk-users/pulled-batches.ts';
import type { JobCall } from '../../job-runner.ts';
import type { BulkUsersDeps } from './deps.ts';

type Call = Pick<JobCall<CleanupInput>, 'jobId' | 'input' | 'submittedAt'>;

/** A batch as a cleanup knows it. */
export interface CleanupBatch extends CountedBatch {
  createdAt: Date;
  chunkSize: number;
  cleanedUpAt: Date | null;
  /** Only the ledger has it: nobody takes it, chunk by chunk it is cleaned by whoever holds the chunk. */
  isPulled: boolean;
}

export const isLeft = ({ cleanedUpAt }: Pick<CleanupBatch, 'cleanedUpAt'>): boolean => cleanedUpAt === null;

const dayMs = 86_400_000;

/** Age is counted from the submission: a job that is run again, a month later for one, has what was confirmed then. */
const selectionOf = ({ input, submittedAt }: Call): Selection =>
  'batch_id' in input
    ? { batchId: input.batch_id }
    : { createdBefore: new Date(submittedAt.getTime() - input.older_than_days * dayMs) };

/** The batches that are the job's from now on, and those that are nobody's. */
export async function takeBatches(deps: BulkUsersDeps, call: Call): Promise<CleanupBatch[]> {
  const { db, applicationDb } = deps;
  const selection = selectionOf(call);
  await db.transaction(tx => takeForCleanup(tx, { jobId: call.jobId, selection }));
  const taken = await listTaken(db, call.jobId);
  await closeBatches(
    applicationDb,
    taken.filter(isLeft).map(({ id }) => id),
  );
  const batches = await withPulled(deps, call, taken);
  if (batches.length === 0 && 'batchId' in selection) await assertFreeForCleanup(db, selection.batchId);
  return batches;
}

/**
 * Of two of one id, what a sync brought is the one that is left: it came after this job had cleaned the other up. It counts
 * what went since the job was submitted, also where a worker died over it.
 */
async function withPulled(deps: BulkUsersDeps, call: Call, taken: BatchRow[]): Promise<CleanupBatch[]> {
  const found = await listPulledBatches(deps, selectionOf(call));
  const pulled = found.filter(({ users }) => users > 0 || taken.length === 0);
  const ids = new Set(pulled.map(({ id }) => id));
  return [
    ...taken.filter(({ id }) => !ids.has(id)).map(batch => ({ ...batch, isPulled: false })),
    ...pulled.map(batch => ({
      ...batch,
      cleanedUpAt: null,
      isPulled: true,
      countedFrom: call.submittedAt,
    })),
  ].sort(byAge);
}

/** The batches that the job would have, were it no dry run. */
export async function findBatches(deps: BulkUsersDeps, call: Call): Promise<CleanupBatch[]> {
  const selection = selectionOf(call);
  const found = await listCleanupCandidates(deps, selection);
  if (found.length === 0 && 'batchId' in selection) await assertFreeForCleanup(deps.db, selection.batchId);
  return found.map(batch => ({ ...batch, cleanedUpAt: null, isPulled: batch.creation === null }));
}

/** Ends a batch of which no user is left, and notes by whom. */
export async function finishBatch(
  { db, applicationDb }: BulkUsersDeps,
  batch: CleanupBatch,
  { jobId, actor }: { jobId: string; actor: string },
): Promise<void> {
  const tallies = await tallyCleanup(applicationDb, [batch]);
  const { cleaned, deleted } = tallies.get(batch.id) ?? { cleaned: 0, deleted: 0 };
  const finish = batch.isPulled ? recordCleanup : finishCleanup;
  await finish(db, { batchId: batch.id, jobId, actor, deleted, gone: cleaned - deleted });
  batch.cleanedUpAt = new Date();
}
