import { isTerminal } from '../../../../shared/contracts/job.ts';
import { userSyncLane } from '../../../../shared/contracts/user-sync.ts';
import { isAppError } from '../../../../shared/kernel/errors.ts';
import { implement } from '../../../../shared/platform/queue/consumer.ts';
import {
  claimSyncChunk,
  concludeSyncChunk,
  type SyncChunkLease,
  type SyncMode,
  withdrawSyncChunks,
} from '../../../../shared/store/sync-chunks.ts';
import { findSyncRun } from '../../../../shared/store/sync-runs.ts';
import { syncChunk } from './chunk.ts';
import { type Claim, copySpans } from './copy-spans.ts';
import type { UserSyncDeps } from './deps.ts';
import { faultOf, PeerError } from './peer-error.ts';
import { openSession, type SyncSession } from './session.ts';

/** A lane takes chunk after chunk until none is left. A task that comes too late finds none and completes. */
export const runSyncLane = implement(userSyncLane, (deps: UserSyncDeps) => async ({ payload, signal }) => {
  const found = await findSyncRun(deps.db, payload.sync_run_id);
  if (found === undefined || isTerminal(found.job.status) || found.job.run !== payload.run)
    return { chunks: 0 };
  if (found.run.mode !== payload.mode) return { chunks: 0 };
  const session = await openSession(deps, found.run, signal);
  try {
    return { chunks: await takeChunks(deps, session, payload, signal) };
  } finally {
    await session.close();
  }
});

async function takeChunks(
  deps: UserSyncDeps,
  session: SyncSession,
  { lane, mode }: { lane: number; mode: SyncMode },
  signal: AbortSignal,
): Promise<number> {
  const place = { runId: session.run.id, lane, worker: deps.workerName, mode };
  let chunks = 0;
  const claim: Claim = async () => {
    signal.throwIfAborted();
    const lease = await claimSyncChunk(deps.db, place);
    if (lease !== undefined) chunks += 1;
    return lease;
  };
  const next = mode === 'copy' ? () => copySpans(deps, session, claim, { lane, signal }) : claim;
  try {
    for (let lease = await next(); lease !== undefined; lease = await next()) {
      if (!(await syncOne(deps, session, lease, mode))) break;
    }
  } catch (error) {
    if (!isAppError(error, 'lease_lost')) throw error;
  }
  return chunks;
}

/** False when there is no use in going on. */
async function syncOne(
  deps: UserSyncDeps,
  session: SyncSession,
  lease: SyncChunkLease,
  mode: SyncMode,
): Promise<boolean> {
  try {
    await syncChunk(deps, session, lease, mode === 'plan' ? 'plan' : 'apply');
    return true;
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    await giveUp(deps, lease, error);
    return false;
  }
}

/** What a peer refuses for one chunk, after all retries, it refuses for all: the others are not tried. */
async function giveUp({ db }: UserSyncDeps, lease: SyncChunkLease, error: PeerError): Promise<void> {
  await concludeSyncChunk(db, lease, {
    created: 0,
    updated: 0,
    deletedInApplication: 0,
    deletedInTarget: 0,
    unchanged: 0,
    failed: lease.usernames.length,
    conflicts: 0,
    bytes: 0,
    faults: [faultOf(error)],
  });
  await withdrawSyncChunks(db, lease.runId);
}
