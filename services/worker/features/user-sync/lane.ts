import { isTerminal } from '../../../../shared/contracts/job.ts';
import { type SyncFault, userSyncLane } from '../../../../shared/contracts/user-sync.ts';
import { isAppError, messageOf } from '../../../../shared/kernel/errors.ts';
import { sqlMessageOf } from '../../../../shared/platform/postgres/sql-state.ts';
import { implement } from '../../../../shared/platform/queue/consumer.ts';
import {
  claimSyncChunk,
  concludeSyncChunk,
  type SyncChunkLease,
  type SyncMode,
  withdrawSyncChunks,
} from '../../../../shared/store/user-sync/sync-chunks.ts';
import { findSyncRun } from '../../../../shared/store/user-sync/sync-runs.ts';
import { isRetryable } from '../../outcome.ts';
import { syncChunk } from './chunk/chunk.ts';
import { type Claim, copySpans } from './copy-spans.ts';
import type { UserSyncDeps } from './deps.ts';
import { openSession, type SyncSession } from './session.ts';
import { faultOf, PeerError } from './sides/peer-error.ts';

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
  { lane, mode, run }: { lane: number; mode: SyncMode; run: number },
  signal: AbortSignal,
): Promise<number> {
  const place = { runId: session.run.id, jobRun: run, lane, worker: deps.workerName, mode };
  let chunks = 0;
  let held: SyncChunkLease | undefined;
  const claim: Claim = async () => {
    held = undefined;
    signal.throwIfAborted();
    held = await claimSyncChunk(deps.db, place);
    if (held !== undefined) chunks += 1;
    return held;
  };
  const next = mode === 'copy' ? () => copySpans(deps, session, claim, { lane, signal }) : claim;
  try {
    for (let lease = await next(); lease !== undefined; lease = await next())
      await syncChunk(deps, session, lease, mode === 'plan' ? 'plan' : 'apply');
  } catch (error) {
    if (isAppError(error, 'lease_lost')) return chunks;
    const fault = signal.aborted || held === undefined ? undefined : finalFaultOf(error, held);
    if (fault === undefined || held === undefined) throw error;
    deps.logger.error(
      { err: error, syncRunId: place.runId, chunk: held.chunkIndex },
      'a chunk cannot be done',
    );
    await giveUp(deps, held, fault);
  }
  return chunks;
}

/**
 * How often a chunk is taken at most. What may pass (a server that restarts, a lock) has passed by then, since a lane
 * whose databases are away takes none; a table that may only be read, for one, never lets a chunk end.
 */
const mostClaims = 20;

/**
 * The fault of an error that every further try would meet, such as a row that the other side's columns cannot hold;
 * undefined for an error that may pass.
 */
function finalFaultOf(error: unknown, { epoch }: SyncChunkLease): SyncFault | undefined {
  if (error instanceof PeerError) return faultOf(error);
  if (isRetryable(error) && epoch < mostClaims) return undefined;
  const message = sqlMessageOf(error) ?? messageOf(error);
  return { kind: 'format', code: 'chunk_refused', message: `Some users could not be synced: ${message}` };
}

/** What is refused for one chunk, after all retries, is refused for all: the others are not tried. */
async function giveUp({ db }: UserSyncDeps, lease: SyncChunkLease, fault: SyncFault): Promise<void> {
  const isHeld = await concludeSyncChunk(db, lease, {
    created: 0,
    updated: 0,
    deletedInApplication: 0,
    deletedInTarget: 0,
    unchanged: 0,
    failed: Math.max(1, lease.users),
    conflicts: 0,
    bytes: 0,
    faults: [fault],
  });
  if (isHeld) await withdrawSyncChunks(db, lease.runId);
}
