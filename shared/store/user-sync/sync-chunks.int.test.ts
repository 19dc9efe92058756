import { testDatabases } from '../../../test/fixtures/database.ts';
import { newId } from '../../kernel/ids.ts';
import { withCopyConnection } from '../../platform/postgres/copy-connection.ts';
import { insertJob } from '../jobs/jobs.ts';
import {
  addSyncChunks,
  beginApplying,
  claimSyncChunk,
  clearSyncChunks,
  concludeCopiedChunk,
  concludeSyncChunk,
  type LanePlace,
} from './sync-chunks.ts';
import { findSyncRun, forgetSyncPlan, insertSyncRun, saveSyncPlan } from './sync-runs.ts';

const databases = testDatabases();
const db = () => databases.platform.db;

const counts = {
  ...{ created: 1, updated: 0, deletedInApplication: 0, deletedInTarget: 0 },
  ...{ unchanged: 0, failed: 0, conflicts: 0, bytes: 0, faults: [] },
};

async function plannedRun(usernames: string[]): Promise<string> {
  const [id, jobId] = [newId(), newId()];
  await insertJob(db(), {
    id: jobId,
    kind: 'user-sync.run',
    payload: { sync_run_id: id },
    requestedBy: 'ada',
  });
  await insertSyncRun(db(), {
    ...{ id, jobId, target: { type: 'load_tester' }, targetKey: 'load_tester', direction: 'push' },
    ...{ filter: { test_users_only: true }, conflictPolicy: 'newest', mode: 'plan', trigger: 'request' },
    ...{ full: false, dryRun: false, confirm: false, withCredentials: false, plannedRun: 0 },
  });
  await addSyncChunks(db(), { runId: id, firstIndex: 0, size: 2 }, usernames);
  return id;
}

it('a lane that counts takes nothing of what is to be done, nor concludes what it counted before', async () => {
  const runId = await plannedRun(['ann', 'bob', 'cid']);
  const counting = { runId, jobRun: 0, lane: 0, worker: 'ada', mode: 'plan' } as const;
  const first = await claimSyncChunk(db(), counting);
  const second = await claimSyncChunk(db(), { ...counting, lane: 1 });
  expect([first?.usernames, second?.usernames]).toEqual([['ann', 'bob'], ['cid']]);
  if (first === undefined || second === undefined) throw new Error('There is nothing to conclude');
  expect(await concludeSyncChunk(db(), first, counts)).toBe(true);

  await beginApplying(db(), runId);
  expect(await claimSyncChunk(db(), counting)).toBeUndefined();
  expect(await concludeSyncChunk(db(), second, counts)).toBe(false);
  const doing = await claimSyncChunk(db(), { ...counting, mode: 'apply' });
  expect(doing).toMatchObject({ chunkIndex: 0, usernames: ['ann', 'bob'] });
});

/** What a retry does before its lanes are handed out; `whilePlanning` when its chunks are there and its plan is not. */
async function planAgain(runId: string, usernames: string[], whilePlanning: () => Promise<void>) {
  const { run } = (await findSyncRun(db(), runId)) ?? {};
  if (run === undefined) throw new Error(`There is no run ${runId}`);
  await clearSyncChunks(db(), runId);
  await forgetSyncPlan(db(), run);
  await addSyncChunks(db(), { runId, firstIndex: 0, size: 2 }, usernames);
  await whilePlanning();
  await saveSyncPlan(db(), runId, { ...run, plannedRun: 1 });
}

it('a lane that is left of the run before a retry neither takes nor concludes anything of the new one', async () => {
  const runId = await plannedRun(['ann', 'bob']);
  const left: LanePlace = { runId, jobRun: 0, lane: 0, worker: 'ada', mode: 'plan' };
  const stale = await claimSyncChunk(db(), left);
  await planAgain(runId, ['ann', 'bob', 'cid'], async () => {
    expect(await claimSyncChunk(db(), left)).toBeUndefined();
  });
  const fresh = await claimSyncChunk(db(), { ...left, jobRun: 1 });
  if (stale === undefined || fresh === undefined) throw new Error('There is nothing to conclude');
  expect(fresh).toMatchObject({ chunkIndex: stale.chunkIndex, epoch: stale.epoch });
  expect(await claimSyncChunk(db(), { ...left, lane: 1 })).toBeUndefined();
  expect(await concludeSyncChunk(db(), stale, counts)).toBe(false);
  await withCopyConnection(
    databases.platformUrl,
    { name: 'test', signal: new AbortController().signal },
    async connection => {
      expect(await concludeCopiedChunk(connection, stale, { users: 2, bytes: 1 })).toBe(false);
      expect(await concludeCopiedChunk(connection, fresh, { users: 2, bytes: 1 })).toBe(true);
    },
  );
});
