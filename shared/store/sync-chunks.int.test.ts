import { testDatabases } from '../../test/fixtures/database.ts';
import { newId } from '../kernel/ids.ts';
import { insertJob } from './jobs.ts';
import { addSyncChunks, beginApplying, claimSyncChunk, concludeSyncChunk } from './sync-chunks.ts';
import { insertSyncRun } from './sync-runs.ts';

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
    ...{ full: false, dryRun: false, confirm: false, withCredentials: false },
  });
  await addSyncChunks(db(), { runId: id, firstIndex: 0, size: 2 }, usernames);
  return id;
}

it('a lane that counts takes nothing of what is to be done, nor concludes what it counted before', async () => {
  const runId = await plannedRun(['ann', 'bob', 'cid']);
  const counting = { runId, lane: 0, worker: 'ada', mode: 'plan' } as const;
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
