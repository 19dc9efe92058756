import type { SyncResult } from '../../../../shared/contracts/user-sync.ts';
import {
  countSyncUsers,
  firstSyncFaults,
  type SyncTally,
} from '../../../../shared/store/user-sync/sync-chunks.ts';
import type { JobCall } from '../../job-runner.ts';
import type { UserSyncDeps } from './deps.ts';
import type { SyncSession } from './session.ts';
import { faultOf, type PeerError } from './sides/peer-error.ts';

/** How many errors a result lists. */
const listed = 100;

export async function resultOf(
  { db }: UserSyncDeps,
  { run, target }: SyncSession,
  call: JobCall<unknown>,
  { tally: counted, inSync, error }: { tally: SyncTally; inSync: boolean; error?: PeerError },
): Promise<SyncResult> {
  const tally = run.mode === 'plan' && !run.dryRun ? nothingDone(counted) : counted;
  const faults = await firstSyncFaults(db, run.id, listed);
  const errors = error === undefined ? faults : [faultOf(error), ...faults].slice(0, listed);
  const failed = tally.failed + (await countSyncUsers(db, run.id, 'cancelled'));
  const unchanged = run.unchanged + tally.unchanged;
  const success = failed === 0 && error === undefined;
  return {
    success,
    synced_count: tally.created + tally.updated + unchanged,
    failed_count: failed,
    created: tally.created,
    updated: tally.updated,
    deleted: tally.deletedInApplication + tally.deletedInTarget,
    unchanged,
    conflicts: tally.conflicts,
    errors,
    sync_timestamp: success ? (run.syncTimestamp?.toISOString() ?? null) : null,
    duration: Math.max(0, Date.now() - call.startedAt.getTime()) / 1000,
    // The conductor's own reading covers the comparison and the proof; the chunks told theirs.
    bytes_sent: Math.max(run.comparedBytes, target.bytesMoved()) + tally.bytes,
    in_sync: inSync,
    dry_run: run.dryRun,
    clock_skew_ms: run.clockSkewMs,
  };
}

/** Chunks that were only counted, to see whether too much would go: of it nothing was done yet. */
const nothingDone = (counted: SyncTally): SyncTally => ({
  ...counted,
  created: 0,
  updated: 0,
  deletedInApplication: 0,
  deletedInTarget: 0,
  unchanged: 0,
  conflicts: 0,
});
