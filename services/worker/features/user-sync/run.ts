import { type SyncResult, userSyncRun } from '../../../../shared/contracts/user-sync.ts';
import { AppError, isAppError } from '../../../../shared/kernel/errors.ts';
import type { Fold } from '../../../../shared/store/accounts/bucket-comparison.ts';
import { assertGuards } from '../../../../shared/store/guards/faults.ts';
import { reopenUsers } from '../../../../shared/store/user-sync/reopened-users.ts';
import {
  beginApplying,
  type SyncTally,
  tallySync,
  withdrawSyncChunks,
} from '../../../../shared/store/user-sync/sync-chunks.ts';
import { endSyncRun, findSyncRun, holdTarget } from '../../../../shared/store/user-sync/sync-runs.ts';
import { cancelledWith, implementJob, type JobCall } from '../../job-runner.ts';
import { isRetryable } from '../../outcome.ts';
import { submitAutoLogin } from './auto-login.ts';
import type { Findings } from './compare.ts';
import { conductLanes } from './conduct.ts';
import type { UserSyncDeps } from './deps.ts';
import { planRun } from './plan.ts';
import { resultOf } from './result.ts';
import { openSession, type SyncSession } from './session.ts';
import { addressCodes } from './sides/application-faults.ts';
import { PeerError } from './sides/peer-error.ts';
import { writeSyncFile } from './sync-file.ts';

type Call = JobCall<{ sync_run_id: string }>;

/**
 * The conductor of one sync. It compares, writes down who differs, hands lanes out, and proves at the end that both
 * sides are the same. Each step may be done twice, by a conductor that follows one that died.
 *
 *   comparing ──► (counting ──►) syncing ──► (those refused for an address ──►) proving ──► done
 *                      └── a dry run ends here, and one that would delete too many
 */
export const runUserSync = implementJob(userSyncRun, (deps: UserSyncDeps) => async call => {
  const found = await findSyncRun(deps.db, call.input.sync_run_id);
  if (found === undefined) throw new AppError('not_found', `There is no sync ${call.input.sync_run_id}`);
  await holdTarget(deps.db, found.run);
  const session = await openSession(deps, found.run, call.signal);
  try {
    const result = await sync(deps, session, call);
    if (result.success) await submitAutoLogin(deps, session);
    await endSyncRun(deps.db, found.run.id);
    return result;
  } catch (error) {
    return await settle(deps, session, call, error);
  } finally {
    await session.close();
  }
});

async function sync(deps: UserSyncDeps, session: SyncSession, call: Call): Promise<SyncResult> {
  if (session.run.target.type === 'file') return writeSyncFile(deps, session, call);
  const findings = session.run.plannedRun < call.run ? await planRun(deps, session, call) : undefined;
  const tally = await work(deps, session, call);
  const inSync = await prove(session, call, findings);
  return resultOf(deps, session, call, { tally, inSync });
}

async function work(deps: UserSyncDeps, session: SyncSession, call: Call): Promise<SyncTally> {
  const { run } = session;
  if (run.mode === 'plan') {
    const planned = await conductLanes(deps, session, 'plan', call);
    if (run.dryRun || planned.chunksDone < planned.chunks) return planned;
    guardDeletions(session, planned);
    await beginApplying(deps.db, run.id);
    run.mode = 'apply';
  }
  // Only a push writes nothing to the application.
  if (run.direction === 'push') return conductLanes(deps, session, run.mode, call);
  await assertGuards(deps.testDataDb, deps.users.mapping);
  return pull(deps, session, call);
}

/** In one chunk if it can be: whoever wants an address is then with whoever has it. */
const largestChunk = 50_000;

/** Whoever found its address with a user of another chunk has one more try, when all chunks are done. */
async function pull(deps: UserSyncDeps, session: SyncSession, call: Call): Promise<SyncTally> {
  const { run } = session;
  const tally = await conductLanes(deps, session, run.mode, call);
  if (tally.failed === 0 || tally.chunksDone < tally.chunks) return tally;
  const reopened = await reopenUsers(deps.db, run.id, { codes: addressCodes, size: largestChunk });
  return reopened === 0 ? tally : conductLanes(deps, session, run.mode, call);
}

/** @throws AppError `deletion_guard` when a larger share of a side would go than the setting lets pass unasked */
function guardDeletions({ run, settings }: SyncSession, tally: SyncTally): void {
  if (run.confirm) return;
  const share = settings.sync_max_delete_share;
  const guard = (side: string, deletions: number, users: number) => {
    if (deletions === 0 || deletions <= share * users) return;
    throw new AppError(
      'deletion_guard',
      `The sync would delete ${deletions} of ${users} users ${side}, more than a share of ${share}: nothing was changed`,
      { hint: 'Send it again with "confirm": true if that is meant.' },
    );
  };
  guard('in the load tester', tally.deletedInTarget, run.targetUsers);
  guard('in the application', tally.deletedInApplication, run.applicationUsers);
}

/**
 * Reads the digests of both sides again, unless they were the same at the first look. When they are, that is noted as
 * the state of the last sync.
 */
async function prove(
  { run, application, target, scope }: SyncSession,
  call: Call,
  findings: Findings | undefined,
): Promise<boolean> {
  if (run.dryRun) return findings?.isSame === true;
  call.report({ phase: 'proving', done: 0, total: 1 });
  const same = findings?.isSame === true ? findings.targetFold : await sameFold();
  if (same !== undefined) await target.settleAll(scope, application, same);
  call.report({ phase: 'proving', done: 1, total: 1 });
  return same !== undefined;

  async function sameFold(): Promise<Fold | undefined> {
    const [ours, theirs] = await Promise.all([application.fold(scope), target.fold(scope)]);
    return ours.users === theirs.users && ours.digest === theirs.digest ? theirs : undefined;
  }
}

/** What a peer does is a result; a cancellation keeps what was done; what may pass leaves the run as it is. */
async function settle(
  deps: UserSyncDeps,
  session: SyncSession,
  call: Call,
  error: unknown,
): Promise<SyncResult> {
  const { run } = session;
  const isCancelled = isAppError(call.signal.reason, 'cancelled');
  if (!isCancelled && (call.signal.aborted || (!(error instanceof PeerError) && isRetryable(error))))
    throw error;
  await withdrawSyncChunks(deps.db, run.id);
  const end = { tally: await tallySync(deps.db, run.id), inSync: false };
  const result = await resultOf(
    deps,
    session,
    call,
    error instanceof PeerError && !isCancelled ? { ...end, error } : end,
  );
  await endSyncRun(deps.db, run.id);
  if (isCancelled) throw cancelledWith(result);
  if (error instanceof PeerError) return result;
  throw error;
}
