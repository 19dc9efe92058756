import { newId } from '../../../../../shared/kernel/ids.ts';
import { waitFor } from '../../../../../shared/kernel/time.ts';
import { createLogger } from '../../../../../shared/platform/log.ts';
import { claimJob } from '../../../../../shared/store/jobs/job-runs.ts';
import { asConductor, type RunLease, saveRun } from '../../../../../shared/store/load-tests/load-runs.ts';
import { listShards } from '../../../../../shared/store/load-tests/load-shards-conducted.ts';
import { placeShards } from '../../../../../shared/store/load-tests/load-slots.ts';
import { requestStop } from '../../../../../shared/store/load-tests/load-tests.ts';
import { testDatabases } from '../../../../../test/fixtures/database.ts';
import { insertTest } from '../../../../../test/fixtures/load-test.ts';
import { testSendJournals } from '../../../../../test/fixtures/worker.ts';
import { conduct } from './conduct.ts';

const databases = testDatabases();
const db = () => databases.platform.db;

/** Each write of a pass takes this long from now on: as much as to merge hundreds of endpoints. */
const slowDown = (seconds: number) =>
  databases.platform.sql.unsafe(`
    create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(${seconds}); return new; end';
    create trigger slow before update on load_tests for each row execute function slow()`);

it('a conductor whose passes take long notices a worker that went silent all the same', async () => {
  const { id, jobId } = await insertTest(databases, { duration_seconds: 60 });
  const job = await claimJob(db(), jobId, 'ada');
  const lease: RunLease = { testId: id, jobId, epoch: job?.epoch ?? 0 };
  const places = [{ workerId: newId(), worker: 'the silent one' }];
  await placeShards(db(), { testId: id, places, leaseMs: 0 });
  await databases.platform.sql`update load_tests set start_at = now() where id = ${id}`;
  const test = await asConductor(db(), lease, (tx, run) => saveRun(tx, run.test, { status: 'running' }));
  await slowDown(0.7);

  const deps = {
    db: db(),
    workerName: 'ada',
    logger: createLogger('test', { level: 'silent' }),
    sendJournals: testSendJournals,
  };
  const call = { signal: new AbortController().signal, report: () => {} };
  const ended = conduct(deps, lease, test, call);
  const isLost = async () => (await listShards(db(), id))[0]?.status === 'lost';
  await waitFor('the shard to be lost', isLost, { timeoutMs: 20_000 });
  await db().transaction(tx => requestStop(tx, { id, mode: 'emergency', actor: 'eve' }));
  expect(await ended).toMatchObject({ status: 'aborted', degraded: true });
});
