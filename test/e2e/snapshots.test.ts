import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { runCli } from '../../services/cli/program.ts';
import { restoreOrBuild } from '../../services/cli/snapshot-fixture.ts';
import { dataset } from '../../shared/http/datasets.ts';
import { pageOf } from '../../shared/http/pagination.ts';
import { listSnapshotRowsOperation, snapshot, snapshotDetail } from '../../shared/http/snapshots.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { loadConfig } from '../../shared/platform/config.ts';
import { localBundles } from '../../shared/platform/local-bundles.ts';
import { bodyOf, problemOf, testApi } from '../fixtures/api.ts';
import { testDatabases } from '../fixtures/database.ts';
import { testJobs } from '../fixtures/jobs.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { digestTables } from '../fixtures/snapshots.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';
import { snapshotRefusals } from './snapshot-refusals.ts';

const dataDir = await mkdtemp(join(process.env.TEST_RUN_FOLDER ?? tmpdir(), 'data-'));
const databases = testDatabases();
const api = testApi(databases, { DATA_DIR: dataDir });
let workers: RunningWorker[] = [];

const tables = [
  'staffs',
  'offices',
  'office_staffs',
  'welfare_recipients',
  'office_welfare_recipients',
  'support_plan_cycles',
  'push_subscriptions',
  'users',
];
const digests = () => digestTables(databases.application.sql, tables);

const { find, run, submit, ended } = testJobs(api);
const make = (json: object) => run('POST', '/api/snapshots', json);
const restore = (name: string) => run('POST', `/api/snapshots/${name}/restore`, {});

beforeAll(async () => {
  const options = { snapshots: localBundles(join(dataDir, 'snapshots')) };
  const start = (name: string) => runWorker(databases, postgresStore(databases), { ...options, name });
  workers = await Promise.all(['worker-a', 'worker-b'].map(start));
  await databases.application.sql`
    with s as (insert into staffs (email, hashed_password, last_name, first_name, last_name_furigana, first_name_furigana)
      values ('owner@shop.test', 'x', '本', '番', 'ほん', 'ばん') returning id)
    insert into offices (name, kind, created_by) select 'production', 'type_a', id from s`;
  const size = { offices: 20, staffs_per_office: 3, recipients_per_office: 20, seed: 1 };
  const made = await run('POST', '/api/datasets', size);
  expect(made.status).toBe('succeeded');
  expect(await make({ name: 'base', description: 'Twenty offices' })).toMatchObject({ status: 'succeeded' });
});
afterAll(() => Promise.all(workers.map(worker => worker.stop())));

const baseRows = {
  staffs: 61,
  offices: 20,
  office_staffs: 60,
  welfare_recipients: 400,
  office_welfare_recipients: 400,
  support_plan_cycles: 400,
  push_subscriptions: 0,
};

it('is listed and shown with what it holds', async () => {
  const page = await bodyOf(await api.call('GET', '/api/snapshots'), pageOf(snapshot));
  expect(page).toMatchObject({
    items: [{ name: 'base', description: 'Twenty offices', stats: baseRows }],
    next_cursor: null,
  });
  const detail = await bodyOf(await api.call('GET', '/api/snapshots/base'), snapshotDetail);
  expect(detail.tables.find(({ name }) => name === 'public.offices')).toMatchObject({
    rows: 20,
    primary_key: ['id'],
    foreign_keys: [{ columns: ['created_by'], references: 'public.staffs', referenced_columns: ['id'] }],
  });
  const head = await api.call('HEAD', '/api/snapshots/base');
  expect([head.status, (await api.call('HEAD', '/api/snapshots/none')).status]).toEqual([200, 404]);
});

it('shows any part of itself as JSON', async () => {
  const schema = listSnapshotRowsOperation.responses[200].schema;
  const path = '/api/snapshots/base/tables/staffs/rows';
  const { total, items } = await bodyOf(await api.call('GET', `${path}?offset=60&limit=5`), schema);
  expect([total, items.length]).toEqual([61, 1]);
  const [live] = await databases.application.sql`
    select last_name, notification_preferences, qualification from staffs where is_test_data order by id desc limit 1`;
  expect(items[0]).toMatchObject({ ...live, is_test_data: true, failed_login_attempts: 0 });
  expect((await api.call('GET', '/api/snapshots/base/tables/nothing/rows')).status).toBe(404);
});

it('puts back what was changed, added and deleted, and leaves production alone', async () => {
  const { sql } = databases.application;
  const before = await digests();
  await sql`update staffs set last_name = 'changed' where is_test_data`;
  await sql`delete from support_plan_cycles where is_test_data`;
  await sql`insert into welfare_recipients (last_name, first_name, last_name_furigana, first_name_furigana,
    date_of_birth, gender, is_test_data) values ('a', 'b', 'c', 'd', '2000-01-01', 'other', true)`;
  const done = await restore('base');
  expect(done).toMatchObject({
    status: 'succeeded',
    result: { name: 'base', stats: baseRows, total_rows: 1341, removed_rows: 62, unchanged_rows: 880 },
  });
  expect(await digests()).toEqual(before);
});

it('holds one dataset, and puts that one back beside others', async () => {
  const size = { offices: 2, staffs_per_office: 1, recipients_per_office: 1, seed: 2 };
  await run('POST', '/api/datasets', size);
  const page = await bodyOf(await api.call('GET', '/api/datasets'), pageOf(dataset));
  const dataset_id = page.items.find(({ seed }) => seed === 2)?.id;
  expect(await make({ name: 'second', dataset_id })).toMatchObject({ result: { total_rows: 13 } });
  const before = await digests();
  await run('DELETE', `/api/datasets/${dataset_id}`);
  const listed = async () =>
    (await bodyOf(await api.call('GET', '/api/datasets'), pageOf(dataset))).items.map(
      ({ seed, total_rows, rows }) => `${seed}: ${rows.offices} offices, ${total_rows} rows`,
    );
  expect(await listed()).toEqual(['1: 20 offices, 1341 rows']);
  expect(await restore('second')).toMatchObject({ status: 'succeeded', result: { removed_rows: 0 } });
  expect(await digests()).toEqual(before);
  expect(await listed()).toEqual(['2: 2 offices, 13 rows', '1: 20 offices, 1341 rows']);
  const again = await api.call('POST', '/api/datasets', { json: size });
  expect((await problemOf(again)).code).toBe('dataset_exists');
  await restore('base');
  expect(await listed()).toEqual(['1: 20 offices, 1341 rows']);
  expect(await run('POST', '/api/datasets', size)).toMatchObject({
    result: { total_rows: 13 },
  });
  expect(await digests()).toEqual(before);
  await run('DELETE', `/api/datasets/${dataset_id}`);
});

it('lets production write all the while, and loses none of it', async () => {
  const { sql } = databases.application;
  let written = 0;
  const stop = new AbortController();
  async function write(): Promise<void> {
    while (!stop.signal.aborted) {
      await sql`insert into offices (name, kind, created_by)
        select 'written', 'type_b', id from staffs where email = 'owner@shop.test'`;
      written += 1;
    }
  }
  const writers = [write(), write()];
  for (const _ of [1, 2, 3]) expect(await restore('base')).toMatchObject({ status: 'succeeded' });
  stop.abort();
  await Promise.all(writers);
  const [found] = await sql`select count(*)::int as offices from offices where name = 'written'`;
  expect(found).toEqual({ offices: written });
  expect(written).toBeGreaterThan(10);
});

it('is restored once after the other when two ask at once, while one waits', async () => {
  const before = await digests();
  const both = await Promise.all([restore('base'), restore('base')]);
  expect(both.map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
  expect(await digests()).toEqual(before);
});

it('waits for whoever holds the test data, says so, and can be cancelled meanwhile', async () => {
  const before = await digests();
  await databases.application.sql.begin(async sql => {
    await sql`select pg_advisory_xact_lock(hashtextextended('muster test data', 0))`;
    const waiting = await submit('POST', '/api/snapshots/base/restore', {});
    const phase = async () => (await find(waiting.id)).progress?.phase;
    await waitFor('the restore to wait', async () => (await phase())?.startsWith('waiting for other work'));
    await api.call('POST', `/api/jobs/${waiting.id}/cancel`);
    expect(await ended(waiting)).toMatchObject({ status: 'cancelled' });
  });
  expect(await digests()).toEqual(before);
});

snapshotRefusals({ databases, api, make });

it('can be seen to from the command line', async () => {
  const run = async (line: string) => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const config = loadConfig({ API: api.url, MUSTER_API_KEY: api.key, DATA_DIR: dataDir });
    const code = await runCli(
      { config, stdout, stderr, signal: new AbortController().signal },
      line.split(' '),
    );
    return [code, String(stdout.read() ?? '') + String(stderr.read() ?? '')];
  };
  const lines: [string, string | RegExp][] = [
    ['datasets create --offices 1 --staffs 2 --recipients 3 --seed 5 --follow', 'datasets.generate'],
    ['datasets list', /succeeded +1 +15 +5/],
    ['snapshots create by-hand --tables offices,staffs --follow', 'total_rows'],
    ['snapshots list', /by-hand/],
    ['snapshots show by-hand', /public\.offices +2/],
    ['snapshots rows by-hand --table offices --limit 1', '"is_test_data":true'],
    ['snapshots delete by-hand', 'Deleted by-hand'],
    ['snapshots restore base --follow', 'restore_seconds'],
  ];
  for (const [line, said] of lines) expect(await run(line)).toEqual([0, expect.stringMatching(said)]);
  expect(await run('snapshots show by-hand')).toEqual([
    1,
    expect.stringContaining('There is no snapshot by-hand'),
  ]);
});

describe('a test of a user', () => {
  const options = () => ({
    api: api.url,
    apiKey: api.key,
    snapshot: 'fixture',
    build: { offices: 2, staffs_per_office: 2, recipients_per_office: 2, seed: 3 },
  });

  it('builds its data once, and restores it from then on', async () => {
    expect(await restoreOrBuild(options())).toEqual({ built: true });
    const before = await digests();
    await databases.application.sql`update offices set name = 'changed' where is_test_data`;
    expect(await restoreOrBuild(options())).toEqual({ built: false });
    expect(await digests()).toEqual(before);
  });

  it('builds it anew when the tables have changed', async () => {
    const { sql } = databases.application;
    await sql`alter table push_subscriptions add column browser text`;
    expect(await restoreOrBuild(options())).toEqual({ built: true });
    expect(await restoreOrBuild(options())).toEqual({ built: false });
  });
});
