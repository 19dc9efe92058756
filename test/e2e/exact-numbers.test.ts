import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importResult } from '../../shared/http/accounts.ts';
import { newId } from '../../shared/kernel/ids.ts';
import { bodyOf, testApi } from '../fixtures/api.ts';
import { testDatabases } from '../fixtures/database.ts';
import { testJobs } from '../fixtures/jobs.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { json } from '../fixtures/user-import.ts';
import { testSync } from '../fixtures/user-sync.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

/** Numbers as PostgreSQL writes them. */
const written = { id: '12345678901234567890', price: '1.50', all: ['0.0', `1${'0'.repeat(308)}`] };
const stored = `{"id": ${written.id}, "all": [${written.all.join(', ')}], "price": ${written.price}}`;
const told = stored.replaceAll(' ', '');
const custom_attributes = {
  id: JSON.rawJSON(written.id),
  all: ['0.0', '1e308'].map(text => JSON.rawJSON(text)),
  price: JSON.rawJSON(written.price),
};

const databases = testDatabases();
const { application, platform } = databases;
const api = testApi(databases, { QUEUE_PREFIX: postgresStore(databases).prefix });
const { run } = testJobs(api);
const { sync } = testSync(api);
const batchId = newId();
let folder = '';
let worker: RunningWorker;

const textOf = async (path: string): Promise<string> => (await api.call('GET', path)).text();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-exact-'));
  worker = await runWorker(databases, postgresStore(databases), { exportsFolder: folder });
  const config = { username_pattern: 'exact_{id}', custom_attributes };
  const made = await api.call('POST', '/api/bulk-users/config/templates', {
    json: { name: 'exact', config },
  });
  expect(await made.text()).toContain(`"custom_attributes":${told}`);
});
afterAll(async () => {
  await worker.stop();
  await rm(folder, { recursive: true });
});

describe('numbers of custom attributes that JavaScript would write otherwise', () => {
  it('come from a request, or a template, into the application', async () => {
    const config = { test_batch_id: batchId };
    const done = await run('POST', '/api/bulk-users/create', { count: 2, template: 'exact', config });
    expect(done.status).toBe('succeeded');
    const users = await application.sql`select custom_attributes::text as text from users`;
    expect(users.map(({ text }) => text)).toEqual([stored, stored]);
    expect(await textOf(`/api/bulk-users/batches/${batchId}`)).toContain(told);
    expect(await textOf(`/api/bulk-users/batches/${batchId}/users`)).toContain(told);
  });

  it('are the same under an idempotency key, and another request where they are others', async () => {
    const call = async (price: string) => {
      const attributes = { ...custom_attributes, price: JSON.rawJSON(price) };
      const config = { username_pattern: '{id}', custom_attributes: attributes };
      const headers = { 'Idempotency-Key': 'exact' };
      return api.call('POST', '/api/bulk-users/config/templates', { json: { name: 'key', config }, headers });
    };
    const first = await (await call('1.50')).text();
    expect(first).toContain('"price":1.50');
    expect(await (await call('1.50')).text()).toBe(first);
    expect((await call('1.5')).status).toBe(422);
  });

  it('go into the pool and out of it, by sync, export and import', async () => {
    expect(await sync()).toMatchObject({ result: { created: 2, in_sync: true } });
    for (const side of ['/api/bulk-users/export', '/api/users/export']) {
      expect((await textOf(side)).split(told)).toHaveLength(3);
      expect((await textOf(`${side}?format=ndjson`)).split(told)).toHaveLength(3);
      expect((await textOf(`${side}?format=csv`)).split(told.replaceAll('"', '""'))).toHaveLength(3);
    }
    expect(await textOf('/api/users')).toContain(told);
    const body = await textOf('/api/bulk-users/export');
    await platform.sql`update accounts set custom_attributes = '{}'`;
    const result = await api.call('POST', '/api/users/import', { body, headers: json });
    expect(await bodyOf(result, importResult)).toMatchObject({ updated: 2, errors: [] });
    expect(await sync()).toMatchObject({ result: { created: 0, updated: 0, in_sync: true } });
  });

  it('stand in the file of a sync', async () => {
    const target = { type: 'file', name: 'exact' };
    expect(await sync({ target })).toMatchObject({ result: { created: 2, in_sync: true } });
    expect((await readFile(join(folder, 'exact.json'), 'utf8')).split(told)).toHaveLength(3);
  });

  it('are refused where PostgreSQL cannot store them, with their place', async () => {
    const config = { custom_attributes: { a: [JSON.rawJSON('1e400')] } };
    const refused = await api.call('POST', '/api/bulk-users/create', { json: { count: 1, config } });
    expect(await refused.json()).toMatchObject({
      status: 422,
      errors: [{ pointer: '/config/custom_attributes/a/0', code: 'too_big' }],
    });
  });
});
