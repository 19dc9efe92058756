import { userSyncLane } from '../../../../shared/contracts/user-sync.ts';
import { sleep } from '../../../../shared/kernel/time.ts';
import {
  countSyncUsers,
  type SyncMode,
  type SyncTally,
  tallySync,
} from '../../../../shared/store/user-sync/sync-chunks.ts';
import type { JobCall } from '../../job-runner.ts';
import type { UserSyncDeps } from './deps.ts';
import type { SyncSession } from './session.ts';

/** How often lanes are checked against the queue, which may have lost them, while chunks are open. */
const reviveEveryMs = 5_000;
const pollMs = 20;

/** Hands the lanes out, and watches the chunks until none is open. */
export async function conductLanes(
  { db, queue }: UserSyncDeps,
  { run, settings }: SyncSession,
  mode: SyncMode,
  call: JobCall<unknown>,
): Promise<SyncTally> {
  const first = await tallySync(db, run.id);
  const total = await countSyncUsers(db, run.id);
  const count = Math.min(settings.sync_worker_count, first.chunksOpen);
  const lanes = Array.from({ length: count }, (_, lane) => ({
    sync_run_id: run.id,
    lane,
    run: call.run,
    mode,
  }));
  await queue.reviveAll(userSyncLane, lanes); // lanes that found no chunk before are done, and there are chunks again
  for (let tally = first, checkedAt = performance.now(); ; tally = await tallySync(db, run.id)) {
    call.signal.throwIfAborted();
    const done =
      tally.created + tally.updated + tally.deletedInTarget + tally.deletedInApplication + tally.unchanged;
    const phase = mode === 'plan' ? 'counting' : 'syncing';
    call.report({ phase, done: Math.min(total, done + tally.failed), total });
    if (tally.chunksOpen === 0) return tally;
    if (performance.now() - checkedAt >= reviveEveryMs) {
      checkedAt = performance.now();
      await queue.reviveAll(userSyncLane, lanes);
    }
    await sleep(pollMs, call.signal);
  }
}
