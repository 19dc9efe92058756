import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { job } from '../../shared/http/jobs.ts';
import { bodyOf, testApi } from '../../test/fixtures/api.ts';
import { testDatabases } from '../../test/fixtures/database.ts';

/**
 * Every call of the troubleshooting guide of bulk users (docs/troubleshooting.md) about users, configuration, sync and life
 * cycle, as it is written there. What becomes of the jobs is tested with each kind.
 */
const databases = testDatabases();
const api = testApi(databases);
const batchId = '0199d1a0-0000-7000-8000-000000000001';

const create = '/api/bulk-users/create';
const validate = '/api/bulk-users/config/validate';
const sync = '/api/bulk-users/sync';
const lifecycle = '/api/bulk-users/lifecycle';

const calls: [string, string, unknown, number][] = [
  ['GET', '/api/bulk-users/stats', undefined, 200],
  ['POST', create, { count: 100, config: { batch_size: 25, test_batch_id: batchId } }, 202],
  ['POST', create, { count: 1000, config: { batch_size: 50 } }, 202],
  ['POST', validate, { username_pattern: 'testuser_{id}@example.com' }, 200],
  ['POST', validate, { username_pattern: 'user_{id}@test.com' }, 200],
  [
    'POST',
    validate,
    {
      username_pattern: 'test_{id}@example.com',
      password: 'TestPass123!',
      email_domain: 'example.com',
      batch_size: 100,
    },
    200,
  ],
  ['GET', '/api/health', undefined, 200],
  ['GET', '/api/bulk-users/sync/status', undefined, 200],
  [
    'POST',
    sync,
    { target: 'load_tester', filter_criteria: { batch_id: 'test-batch-id', test_users_only: true } },
    422,
  ],
  ['GET', '/api/bulk-users/export?batch_id=test-batch', undefined, 422],
  ['GET', `/api/bulk-users/export?batch_id=${batchId}`, undefined, 200],
  ['GET', '/api/bulk-users/export', undefined, 200],
  ['GET', '/api/users/stats', undefined, 200],
  ['GET', `/api/bulk-users/batches/${batchId}`, undefined, 200],
  ['POST', `${lifecycle}/identify`, {}, 200],
  ['POST', `${lifecycle}/identify`, undefined, 200],
  ['GET', `${lifecycle}/cleanup-candidates`, undefined, 200],
  ['POST', `${lifecycle}/cleanup`, { batch_id: 'your-batch-id' }, 422],
  ['GET', '/api/bulk-users/config/templates', undefined, 200],
  ['GET', '/api/user/profile', undefined, 200],
  ['GET', '/admin/bulk-users/', undefined, 303],
];

it.each(calls)('%s %s with %j answers %i', async (method, path, json, status) => {
  const response = await api.call(method, path, json === undefined ? {} : { json });
  expect([response.status, await response.text()]).toEqual([status, expect.any(String)]);
});

it.each([
  ['user_{id}@domain.com', true],
  ['user_${id}@domain.com', false],
  ['user_{index}@domain.com', false],
])('the pattern %s is valid: %s', async (username_pattern, valid) => {
  const response = await api.call('POST', validate, { json: { username_pattern } });
  expect(await response.json()).toMatchObject({ is_valid: valid });
});

it.each([
  { batch_id: batchId, test_users_only: true },
  { test_users_only: true },
  { modified_since: '2024-01-15T10:00:00Z' },
])('a sync of %j is taken, and refused while the one before has not ended', async filter_criteria => {
  const json = { target: 'load_tester', filter_criteria };
  const response = await api.call('POST', sync, { json });
  expect(response.status).toBe(202);
  expect((await api.call('POST', sync, { json })).status).toBe(409);
  const { id } = await bodyOf(response, job);
  expect((await api.call('POST', `/api/jobs/${id}/cancel`)).status).toBe(202);
});

/** Runs a script of infra/scripts against this API and its databases; gives its exit code and what it printed. */
async function run(script: string, ...args: string[]): Promise<{ code: number | null; out: string }> {
  const urls = { API: api.url, APP_DATABASE_URL: databases.applicationUrl };
  const env = { ...process.env, NODE_OPTIONS: '', ...urls, MUSTER_API_KEY: api.key };
  const { promise, resolve } = Promise.withResolvers<{ code: number | null; out: string }>();
  const child = execFile(
    process.execPath,
    [`infra/scripts/${script}.ts`, ...args],
    { env },
    (_error, stdout, stderr) => resolve({ code: child.exitCode, out: stdout + stderr }),
  );
  return promise;
}

it('validate-config finds the configuration of the guide and all templates valid', async () => {
  const { code, out } = await run('validate-config');
  expect(code).toBe(0);
  expect(out).toContain('VALID   the guide: test_1@example.com, test_2@example.com, ...');
  expect(out).toContain('VALID   template admin');
});

it('validate-config knows a file for MUSTER_CONFIG, and judges it as an api does at its start', async () => {
  const shipped = 'infra/muster.example.yaml';
  expect(await run('validate-config', shipped)).toEqual({
    code: 0,
    out: `VALID   MUSTER_CONFIG=${shipped}\n`,
  });
  const folder = await mkdtemp(join(tmpdir(), 'muster-guide-'));
  const faulty = join(folder, 'faulty.json');
  await writeFile(faulty, '{ "bulk_user_management": { "speed": 9 } }');
  const { code, out } = await run('validate-config', faulty);
  await rm(folder, { recursive: true });
  expect({ code, out }).toEqual({ code: 1, out: expect.stringMatching(/^INVALID .*\n +\/bulk_.*\/speed /) });
});

it('health-check says what is well and what is down: no worker runs here', async () => {
  const dataset = { offices: 1, staffs_per_office: 1, recipients_per_office: 1 };
  expect((await api.call('POST', '/api/datasets', { json: dataset })).status).toBe(202);
  const counts = z.object({ active_operations: z.int(), open_jobs: z.int() });
  const stats = await bodyOf(await api.call('GET', '/api/bulk-users/stats'), counts);
  expect(stats.open_jobs).toBeGreaterThan(stats.active_operations);
  const { code, out } = await run('health-check');
  expect(code).toBe(1);
  expect(out).toMatch(new RegExp(`^OK +bulk users .*; ${stats.open_jobs} jobs open$`, 'm'));
  expect(out).toMatch(/^OK +postgres$/m);
  expect(out).toMatch(/^DOWN +workers +0 alive$/m);
  expect(out).toMatch(/^OK +load tester +0 accounts, 0 sessions$/m);
});

it('guards:sql takes a table without a schema for one of public', async () => {
  const { code, out } = await run('guards-sql', '--table', 'users');
  expect(code).toBe(0);
  expect(out).toMatch(/^begin;/);
  expect(await run('guards-sql', '--table', 'public.users')).toEqual({ code, out });
});
