import { testDatabases } from '../../../test/fixtures/database.ts';
import type { SyncFault } from '../../contracts/user-sync.ts';
import { newId } from '../../kernel/ids.ts';
import { insertJob } from '../jobs/jobs.ts';
import { reopenUsers } from './reopened-users.ts';
import {
  addSyncChunks,
  claimSyncChunk,
  concludeSyncChunk,
  firstSyncFaults,
  tallySync,
} from './sync-chunks.ts';
import { insertSyncRun } from './sync-runs.ts';

const databases = testDatabases();
const db = () => databases.platform.db;

const fault = (username: string, code: string): SyncFault => ({
  ...{ kind: 'conflict', code, message: code, username },
  ...(code === 'changed_on_both' && { fields: ['email'] }),
});

it('who failed for one of the reasons is in a chunk again, once, and counts in none before', async () => {
  const [runId, jobId] = [newId(), newId()];
  await insertJob(db(), { id: jobId, kind: 'user-sync.run', payload: {}, requestedBy: 'ada' });
  await insertSyncRun(db(), {
    ...{ id: runId, jobId, target: { type: 'load_tester' }, targetKey: 'load_tester', direction: 'pull' },
    ...{ filter: { test_users_only: true }, conflictPolicy: 'newest', mode: 'apply', trigger: 'request' },
    ...{ full: false, dryRun: false, confirm: false, withCredentials: false, plannedRun: 0 },
  });
  await addSyncChunks(db(), { runId, firstIndex: 0, size: 3 }, ['ann', 'bob', 'cid', 'dan', 'eve', 'fay']);
  const place = { runId, jobRun: 0, lane: 0, worker: 'ada', mode: 'apply' } as const;
  const conclude = async (
    counts: { updated: number; failed: number; conflicts: number },
    faults: SyncFault[],
  ) => {
    const lease = await claimSyncChunk(db(), place);
    if (lease === undefined) throw new Error('There is no chunk');
    const nothing = { created: 0, deletedInApplication: 0, deletedInTarget: 0, unchanged: 0, bytes: 0 };
    await concludeSyncChunk(db(), lease, { ...nothing, ...counts, faults });
  };
  const refused = fault('cid', 'refused');
  const disputed = fault('bob', 'changed_on_both');
  await conclude({ updated: 1, failed: 2, conflicts: 2 }, [
    ...[fault('ann', 'taken'), refused, fault('ann', 'changed_on_both'), disputed],
  ]);
  await conclude({ updated: 2, failed: 1, conflicts: 0 }, [fault('dan', 'taken')]);

  const reopen = () => reopenUsers(db(), runId, { codes: ['taken'], size: 10 });
  expect((await Promise.all([reopen(), reopen()])).sort()).toEqual([0, 2]);
  expect(await tallySync(db(), runId)).toMatchObject({
    ...{ chunks: 3, chunksDone: 2, chunksOpen: 1 },
    ...{ updated: 3, failed: 1, conflicts: 1 },
  });
  expect(await firstSyncFaults(db(), runId, 10)).toEqual([refused, disputed]);
  expect(await claimSyncChunk(db(), place)).toMatchObject({ usernames: ['ann', 'dan'], users: 2 });
});
