import type { Refusal } from '../../../../shared/contracts/refusal.ts';
import { isAppError } from '../../../../shared/kernel/errors.ts';
import type { BatchRow } from '../../../../shared/store/bulk-users/bulk-batches.ts';
import { markRolledBack, withdrawChunks } from '../../../../shared/store/bulk-users/bulk-ledger.ts';
import { type CleanupTally, tallyCleanup } from '../../../../shared/store/bulk-users/cleanup-tallies.ts';
import { assertGuards } from '../../../../shared/store/guards/faults.ts';
import { assertNothingCascades, readUserReferences } from '../../../../shared/store/users/user-references.ts';
import type { JobCall } from '../../job-runner.ts';
import { cleanBatch } from './clean-batch.ts';
import type { BulkUsersDeps } from './deps.ts';

const phase = 'rolling back';
const nothing: CleanupTally = { cleaned: 0, deleted: 0, left: 0 };

/**
 * Removes what a batch has created: first no chunk can write any more, then its users go as in a cleanup, chunk by chunk.
 * A chunk that is refused keeps its users and their keys, for a cleanup to try again.
 * @returns how many users it removed, also before a worker died over it, and why some were left
 */
export async function rollBackBatch(
  deps: BulkUsersDeps,
  batch: BatchRow,
  { report, signal }: Pick<JobCall<unknown>, 'report' | 'signal'>,
): Promise<{ removed: number; refusal: Refusal | undefined }> {
  const tally = async () =>
    (await tallyCleanup(deps.applicationDb, [batch], 'rolled_back')).get(batch.id) ?? nothing;
  await withdrawChunks(deps.testDataDb, batch.id);
  await assertGuards(deps.testDataDb, deps.users.mapping);
  const references = await readUserReferences(deps.testDataDb, deps.users); // as the role sees them that deletes
  assertNothingCascades(references);
  let { cleaned: done, left } = await tally();
  const total = done + left;
  report({ phase, done, total });
  const refusal = await cleanBatch(deps, batch, {
    mark: 'rolled_back',
    references,
    strict: false,
    signal: withoutCancel(signal),
    onCleaned: users => {
      done += users;
      report({ phase, done, total });
    },
  });
  await markRolledBack(deps.applicationDb, batch.id);
  return { removed: (await tally()).deleted, refusal };
}

/** A cancellation does not reach a rollback: what it left would be neither the batch nor none. */
function withoutCancel(signal: AbortSignal): AbortSignal {
  const stop = new AbortController();
  const pass = () => {
    if (!isAppError(signal.reason, 'cancelled')) stop.abort(signal.reason);
  };
  if (signal.aborted) pass();
  else signal.addEventListener('abort', pass, { once: true });
  return stop.signal;
}
