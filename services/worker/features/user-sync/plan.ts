import {
  addSpanChunks,
  addSyncChunks,
  clearSyncChunks,
  type SyncMode,
} from '../../../../shared/store/user-sync/sync-chunks.ts';
import { forgetSyncPlan, type SyncPlan, saveSyncPlan } from '../../../../shared/store/user-sync/sync-runs.ts';
import { readWatermark } from '../../../../shared/store/user-sync/synced-users.ts';
import { readKeySpans } from '../../../../shared/store/user-sync/user-spans.ts';
import type { JobCall } from '../../job-runner.ts';
import { compareSides, type Findings } from './compare.ts';
import type { UserSyncDeps } from './deps.ts';
import type { SyncSession } from './session.ts';

/** Names that are written down in one statement, in chunks. */
const chunksAtOnce = 20;

/** Compares both sides and writes the users who differ down, in chunks. Until the plan is saved it is made anew. */
export async function planRun(
  deps: UserSyncDeps,
  session: SyncSession,
  call: JobCall<unknown>,
): Promise<Findings> {
  const { run, settings } = session;
  call.report({ phase: 'comparing', done: 0, total: 1 });
  await clearSyncChunks(deps.db, run.id);
  await forgetSyncPlan(deps.db, run); // or a peer that is down now would be told with the last try's figures
  const watermark = await readWatermark(deps.applicationDb);
  const chunks = chunkWriter(deps, run.id, settings.sync_chunk_size);
  const findings = await compareSides(session, async names => {
    call.signal.throwIfAborted();
    await chunks.add(names);
  });
  await chunks.flush();
  if (findings.isFirst) await writeSpans(deps, session, findings.applicationUsers);
  const plan = {
    plannedRun: call.run,
    mode: modeOf(session, findings),
    ...(await usersOfSides(session, findings)),
    unchanged: findings.unchanged,
    comparedBytes: session.target.bytesMoved(),
    clockSkewMs: findings.clockSkewMs,
    syncTimestamp: watermark.now,
    applicationXmin: watermark.xmin,
  };
  await saveSyncPlan(deps.db, run.id, plan);
  Object.assign(run, plan);
  if (Math.abs(plan.clockSkewMs) >= 5000)
    call.log(
      `The clocks differ by ${plan.clockSkewMs} ms: times of the load tester are taken as so much earlier`,
    );
  return findings;
}

function modeOf(session: SyncSession, findings: Findings): SyncMode {
  if (findings.isFirst) return 'copy';
  return mustCount(session, findings) ? 'plan' : 'apply';
}

async function writeSpans(
  { db, applicationDb, users: table }: UserSyncDeps,
  { run, scope, settings: { sync_chunk_size: size } }: SyncSession,
  users: number,
): Promise<void> {
  const spans = await readKeySpans(applicationDb, table, scope, size);
  await addSpanChunks(db, { runId: run.id, size, users }, spans);
}

/** All users of the filter, changed or not: what deletions are a share of. */
async function usersOfSides(
  { application, target, scope, comparedScope }: SyncSession,
  { applicationUsers, targetUsers }: Findings,
): Promise<Pick<SyncPlan, 'applicationUsers' | 'targetUsers'>> {
  if (comparedScope.modifiedSince === undefined) return { applicationUsers, targetUsers };
  const [ours, theirs] = await Promise.all([application.fold(scope), target.fold(scope)]);
  return { applicationUsers: ours.users, targetUsers: theirs.users };
}

/**
 * Whether so many users are on one side only that the deletions among them must be counted before any is done. Of
 * changes that is not to be seen: a user whom one side lists may be one that the other has, unchanged.
 */
function mustCount({ run, settings, comparedScope }: SyncSession, findings: Findings): boolean {
  if (run.dryRun) return true;
  if (run.confirm) return false;
  if (comparedScope.modifiedSince !== undefined) return true;
  const share = settings.sync_max_delete_share;
  const tooMany = (alone: number, users: number) => alone > share * users;
  return (
    (run.direction !== 'pull' && tooMany(findings.onlyTarget, findings.targetUsers)) ||
    (run.direction !== 'push' && tooMany(findings.onlyApplication, findings.applicationUsers))
  );
}

function chunkWriter({ db }: UserSyncDeps, runId: string, size: number) {
  let waiting: string[] = [];
  let firstIndex = 0;
  async function write(names: string[]): Promise<void> {
    firstIndex = await addSyncChunks(db, { runId, firstIndex, size }, names);
  }
  return {
    async add(names: string[]): Promise<void> {
      waiting = waiting.length === 0 ? names : waiting.concat(names);
      const step = size * chunksAtOnce;
      let written = 0;
      for (; waiting.length - written >= step; written += step)
        await write(waiting.slice(written, written + step));
      waiting = waiting.slice(written);
    },
    async flush(): Promise<void> {
      await write(waiting);
      waiting = [];
    },
  };
}
