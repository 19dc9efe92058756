import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInTest } from '../../services/cli/testing/run-in-test.ts';
import type { HttpServer } from '../../shared/platform/http-server.ts';
import { testApi } from '../fixtures/api.ts';
import { testDatabases } from '../fixtures/database.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { startStorefront } from '../fixtures/storefront.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

/** The command line as CI runs it (docs/ci.md): the exit code decides, and two files say why. */
const databases = testDatabases();
const store = postgresStore(databases);
const api = testApi(databases, { QUEUE_PREFIX: store.prefix });
let shop: HttpServer;
let worker: RunningWorker;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-ci-'));
  shop = await startStorefront(databases.application);
  worker = await runWorker(databases, store);
});
afterAll(async () => {
  await worker.stop();
  await shop.stop();
  await rm(folder, { recursive: true });
});

const muster = (...args: string[]) =>
  runInTest(args.join(' '), { url: api.url, dataDir: folder, env: { MUSTER_API_KEY: api.key } });
const read = (name: string) => readFile(join(folder, name), 'utf8');
const files = (name: string) => [
  '--junit',
  join(folder, `${name}.xml`),
  '--report',
  join(folder, `${name}.html`),
];

it('fails a pipeline by a threshold, and leaves both files', async () => {
  const config = join(import.meta.dirname, '../fixtures/ci-load-test.json');
  const load = ['load-tests', 'run', '-c', config, '--target', shop.url, '-u', '2', '-d', '1s'];
  const passed = await muster(...load, '--threshold', 'http_reqs:count>0', ...files('passed'));
  expect(passed).toMatchObject({ code: 0, err: expect.stringContaining('The thresholds are in ') });
  expect(await read('passed.xml')).toContain('<testcase name="http_reqs: count&gt;0"');
  expect(await read('passed.xml')).not.toContain('<failure');

  const missed = await muster('--json', ...load, '--threshold', 'http_reqs:count<0', ...files('missed'));
  expect(missed.code).toBe(5);
  const { id, status } = JSON.parse(missed.out);
  expect(status).toBe('failed');
  expect(await read('missed.xml')).toMatch(/<testsuite [^>]*tests="2" failures="1"/);
  expect(await read('missed.html')).toContain('<!doctype html>');

  expect((await muster('load-tests', 'follow', id, ...files('again'))).code).toBe(5);
  expect(await read('again.xml')).toBe(await read('missed.xml'));
  expect((await readdir(folder)).filter(name => name.startsWith('again'))).toHaveLength(2);
}, 60_000);
