import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { datasetTables } from '../../shared/contracts/datasets.ts';
import { localBundles } from '../../shared/platform/local-bundles.ts';
import { testApi } from '../fixtures/api.ts';
import { testDatabases } from '../fixtures/database.ts';
import { testJobs } from '../fixtures/jobs.ts';
import { describeOnRedis } from '../fixtures/queue.ts';
import { digestTables } from '../fixtures/snapshots.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

const dataDir = await mkdtemp(join(process.env.TEST_RUN_FOLDER ?? tmpdir(), 'data-'));
const databases = testDatabases();

describeOnRedis(databases, store => {
  const api = testApi(databases, {
    DATA_DIR: dataDir,
    QUEUE_PREFIX: store.prefix,
    REDIS_URL: store.redisUrl ?? '',
  });
  let workers: RunningWorker[] = [];
  beforeAll(async () => {
    const options = { snapshots: localBundles(join(dataDir, 'snapshots')) };
    const start = (name: string) => runWorker(databases, store, { ...options, name });
    workers = await Promise.all(['worker-a', 'worker-b'].map(start));
  });
  afterAll(() => Promise.all(workers.map(worker => worker.stop())));

  const { run } = testJobs(api);

  it('makes a dataset in chunks, keeps it, puts it back and deletes it', async () => {
    const size = { offices: 6, staffs_per_office: 2, recipients_per_office: 3, seed: 9, batch_size: 1 };
    const made = await run('POST', '/api/datasets', size);
    expect(made).toMatchObject({ status: 'succeeded', result: { total_rows: 85 } });
    const digests = () => digestTables(databases.application.sql, datasetTables);
    const before = await digests();
    expect(await run('POST', '/api/snapshots', { name: 'kept' })).toMatchObject({ status: 'succeeded' });
    await databases.application.sql`delete from support_plan_cycles`;
    expect(await run('POST', '/api/snapshots/kept/restore', {})).toMatchObject({ status: 'succeeded' });
    expect(await digests()).toEqual(before);
    const { dataset_id } = Object(made.result);
    expect(await run('DELETE', `/api/datasets/${dataset_id}`)).toMatchObject({
      status: 'succeeded',
      result: { total_rows: 85 },
    });
  });
});
