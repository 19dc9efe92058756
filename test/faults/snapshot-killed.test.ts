import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Job } from '../../services/cli/follow-job.ts';
import { datasetIdOf, datasetTables } from '../../shared/contracts/datasets.ts';
import { createDatasetOperation } from '../../shared/http/datasets.ts';
import { restoreSnapshotOperation } from '../../shared/http/snapshots.ts';
import { sleep, waitFor } from '../../shared/kernel/time.ts';
import { insertOffices, insertSystemStaff } from '../../shared/store/datasets/dataset-rows.ts';
import { digestAll, readManifest, readRows } from '../../shared/store/snapshots/snapshot-files.ts';
import { testDatabases } from '../fixtures/database.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { digestTables, testSnapshots } from '../fixtures/snapshots.ts';
import { shortLocks, testStack } from '../fixtures/stack.ts';
import { rounds } from './batch.ts';

/** Kills at random points, of each kind: 2, or twenty in `npm run test:faults`. */
const kills = rounds().length * 2;

const databases = testDatabases();
const snapshots = testSnapshots();
const digests = () => digestTables(databases.application.sql, datasetTables);
const children: ChildProcess[] = [];

beforeAll(async () => {
  const definition = {
    seed: 1,
    referenceDate: '2026-10-01',
    offices: 30,
    staffsPerOffice: 10,
    recipientsPerOffice: 50,
    cyclesPerRecipient: 1,
  };
  const rows = { datasetId: datasetIdOf(definition), definition, passwordHash: '$argon2id$test' };
  await insertSystemStaff(databases.application.db, rows);
  await insertOffices(databases.application.db, rows, { first: 1, last: 30 });
  await snapshots.create(databases.applicationUrl, 'base');
});
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

type Action = 'create' | 'restore';

/** Has a process of its own do something, to its end or until it is killed. @returns how long it took, in milliseconds */
async function run(action: Action, name: string, killAfterMs?: number): Promise<number> {
  const child = fork(new URL('./snapshot-process.ts', import.meta.url), {
    env: { ...process.env, NODE_OPTIONS: '', NODE_COMPILE_CACHE: 'node_modules/.cache/muster' },
  });
  children.push(child);
  const gone = once(child, 'exit');
  await once(child, 'message');
  const begun = once(child, 'message');
  child.send({ url: databases.applicationUrl, folder: snapshots.folder, action, name });
  await begun;
  const startedAt = performance.now();
  if (killAfterMs !== undefined) await sleep(killAfterMs).then(() => child.kill('SIGKILL'));
  await gone;
  return performance.now() - startedAt;
}

/** The server sees the end of a connection in its own time, and rolls back. */
const untilRolledBack = () =>
  waitFor('the server to roll back', async () => {
    const rows = await databases.application.sql`
      select from pg_stat_activity where application_name = 'to be killed' and datname = current_database()`;
    return rows.length === 0;
  });

it('has only whole snapshots after processes were killed while they made some', async () => {
  const usualMs = await run('create', 'warm-up');
  for (let kill = 0; kill < kills; kill++) await run('create', `killed-${kill % 3}`, Math.random() * usualMs);
  for (const name of await snapshots.store.names()) {
    const manifest = await readManifest(snapshots.store, name);
    for (const table of manifest.tables) await digestAll(readRows(snapshots.store, manifest, table));
    expect(manifest.tables.find(table => table.name === 'public.offices')?.rows).toBe(30);
  }
  await run('create', 'after-all');
  expect(await snapshots.store.has('after-all')).toBe(true);
});

it('has the data as before or as restored after processes were killed while they restored it', async () => {
  const restored = await digests();
  const change = () =>
    databases.application.sql.unsafe(
      datasetTables
        .map(table => `update ${table} set updated_at = '2030-01-01' where is_test_data`)
        .join('; '),
    );
  await change();
  const changed = await digests();
  const usualMs = await run('restore', 'base');
  expect(await digests()).toEqual(restored);
  for (let kill = 0; kill < kills; kill++) {
    await change();
    await run('restore', 'base', Math.random() * usualMs);
    await untilRolledBack();
    expect([restored, changed]).toContainEqual(await digests());
  }
  await run('restore', 'base');
  expect(await digests()).toEqual(restored);
});

describe('a worker', () => {
  const settings: Record<string, string> = { ...shortLocks };
  /** Slow as an application's own trigger may make it, also while triggers are left out. */
  beforeAll(async () => {
    settings.DATA_DIR = snapshots.dataDir;
    await databases.application.sql.unsafe(`
      create function slow() returns trigger language plpgsql as
        $$ begin perform pg_sleep(0.7); return null; end $$;
      create trigger slow after insert on offices for each statement execute function slow();
      alter table offices enable always trigger slow`);
  });
  const stack = testStack({ databases, store: () => postgresStore(databases), settings });

  /** Kills the worker of a job in the middle of writing offices; gives the job's end, under another one. */
  async function endAfterKill(jobId: string): Promise<Job> {
    const submission = { jobId, batchId: '' };
    await waitFor('the middle of the job', async () => {
      const asleep = await databases.application.sql`
        select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`;
      return asleep.length > 0;
    });
    await stack.killWorker(await stack.workerOf(submission));
    await stack.startWorker();
    return stack.untilEnded(submission);
  }

  it('takes over a restore whose worker was killed in the middle', async () => {
    const restored = await digests();
    await databases.application.sql`update offices set name = 'changed'`;
    await databases.application.sql`delete from support_plan_cycles`;
    const body = { clean_existing: true, allow_other_database: false };
    const job = await stack.client.submit(restoreSnapshotOperation, { params: { name: 'base' }, body });
    expect(await endAfterKill(job.id)).toMatchObject({ status: 'succeeded', result: { name: 'base' } });
    expect(await digests()).toEqual(restored);
  });

  it('takes over a dataset whose worker was killed in the middle, and no row is there twice', async () => {
    const body = { offices: 8, staffs_per_office: 2, recipients_per_office: 3, seed: 2, batch_size: 1 };
    const job = await stack.client.submit(createDatasetOperation, { body });
    const { status, result } = await endAfterKill(job.id);
    expect([status, result]).toEqual(['succeeded', expect.objectContaining({ total_rows: 113 })]);
    const counts = await databases.application.sql<{ rows: number }[]>`
      select count(*)::int as rows from staffs where dataset_id = ${Object(result).dataset_id} union all
      select count(*)::int from offices where dataset_id = ${Object(result).dataset_id} union all
      select count(*)::int from support_plan_cycles where dataset_id = ${Object(result).dataset_id}`;
    expect(counts.map(({ rows }) => rows)).toEqual([17, 8, 24]);
  });
});
