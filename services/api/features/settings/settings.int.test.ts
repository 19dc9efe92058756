import { z } from 'zod';
import { listAlertsOperation } from '../../../../shared/http/alerts.ts';
import { profile } from '../../../../shared/http/api-keys.ts';
import { deed } from '../../../../shared/http/audit-log.ts';
import { job } from '../../../../shared/http/jobs.ts';
import { pageOf } from '../../../../shared/http/pagination.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import { insertJob } from '../../../../shared/store/jobs/jobs.ts';
import { bodyOf, problemOf, testApi } from '../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';

const databases = testDatabases();
const api = testApi(databases, { MAX_BULK_USERS: '5000' });

const change = (json: unknown) => api.call('PUT', '/api/settings', { json });
const read = async () => (await api.call('GET', '/api/settings')).json();
const submit = (body: object = { count: 1 }) => api.call('POST', '/api/bulk-users/create', { json: body });

async function changesOf(name: string) {
  const response = await api.call('GET', `/api/settings/history?name=${name}`);
  const change = z.object({ name: z.string(), from: z.unknown(), to: z.unknown(), changed_by: z.string() });
  return (await bodyOf(response, pageOf(change))).items;
}

describe('settings', () => {
  it('have their defaults, none beyond what the environment allows', async () => {
    expect(await read()).toMatchObject({ accepting_jobs: true, max_bulk_users: 5000, retention_days: 30 });
  });

  it('change by name, with who, from and to, and hold for the next request', async () => {
    expect((await submit({ count: 200 })).status).toBe(202);
    const changed = await change({ max_bulk_users: 100, bulk_chunk_size: 25, retention_days: 30 });
    expect(await changed.json()).toMatchObject({ max_bulk_users: 100, bulk_chunk_size: 25 });
    expect((await problemOf(await submit({ count: 101 }))).errors).toMatchObject([
      { pointer: '/count', code: 'limit_exceeded', detail: 'must be at most 100' },
    ]);
    const { result, ...submitted } = await bodyOf(await submit({ count: 100 }), job);
    expect({ result, kind: submitted.kind }).toEqual({ result: null, kind: 'bulk-users.create' });
    const batches = await (await api.call('GET', '/api/bulk-users/batches?limit=1')).json();
    expect(batches).toMatchObject({ items: [{ config: { batch_size: 25 } }] });

    await change({ max_bulk_users: 200, bulk_chunk_size: null });
    expect(await changesOf('max_bulk_users')).toMatchObject([
      { from: 100, to: 200, changed_by: 'MUSTER_API_KEY' },
      { from: 1_000_000, to: 100 },
    ]);
    expect(await changesOf('bulk_chunk_size')).toMatchObject([
      { from: 25, to: null },
      { from: null, to: 25 },
    ]);
    expect(await changesOf('retention_days')).toEqual([]); // it was 30 before
  });

  it('are refused with all faults, and then none is changed', async () => {
    const refused = await change({ retention_days: -1, sync_enabled: 'yes', no_such: 1, strict_mode: false });
    expect(refused.status).toBe(422);
    const { errors = [] } = await problemOf(refused);
    expect(errors.map(({ pointer, code }) => `${pointer} ${code}`).sort()).toEqual([
      '/no_such unknown_field',
      '/retention_days too_small',
      '/sync_enabled wrong_type',
    ]);
    const beyond = await problemOf(await change({ max_bulk_users: 5001 }));
    expect(beyond.errors).toMatchObject([{ pointer: '/max_bulk_users', code: 'limit_exceeded' }]);
    expect(await read()).toMatchObject({ strict_mode: true, max_bulk_users: 200 });
  });

  it('drain: new work and retries are refused, reading and cancelling go on', async () => {
    const running = await bodyOf(await submit(), job);
    const ended = await bodyOf(await submit(), job);
    await api.call('POST', `/api/jobs/${ended.id}/cancel`);
    await change({ accepting_jobs: false });
    const loadTest = {
      session_name: 'held',
      target_url: 'http://127.0.0.1:9/',
      duration: '1s',
      endpoints: [{ name: 'a', url: '/' }],
    };
    const bodies: [string, object][] = [
      ['/api/load-tests', loadTest],
      ['/api/bulk-users/create', { count: 1 }],
      ['/api/datasets', { offices: 1, staffs_per_office: 1, recipients_per_office: 1 }],
      ['/api/deadline-notifications/runs', { dry_run: true }],
      [`/api/jobs/${ended.id}/retry`, {}],
    ];
    for (const [path, json] of bodies) {
      const response = await api.call('POST', path, { json });
      expect(response.headers.get('retry-after')).toBe('30');
      expect(await problemOf(response)).toMatchObject({ status: 503, code: 'draining' });
    }
    const stats = async () => (await api.call('GET', '/api/bulk-users/stats')).json();
    const before = z.object({ active_operations: z.int(), open_jobs: z.int() }).parse(await stats());
    expect(before.active_operations).toBeGreaterThan(0);
    expect(before.open_jobs).toBe(before.active_operations);
    expect((await api.call('POST', `/api/jobs/${running.id}/cancel`)).status).toBe(202);
    expect(await stats()).toMatchObject({ active_operations: before.active_operations - 1 });
    await change({ accepting_jobs: true });
    expect((await submit()).status).toBe(202);
  });

  it('drain after the submissions under way, which then count', async () => {
    const id = newId();
    const { promise: mayCommit, resolve: commit } = Promise.withResolvers<void>();
    const { promise: inserted, resolve: tell } = Promise.withResolvers<void>();
    const submission = databases.platform.db.transaction(async tx => {
      await insertJob(tx, { id, kind: 'bulk-users.create', payload: {}, requestedBy: 'ada' });
      tell();
      await mayCommit;
    });
    await inserted;
    let closed = false;
    const closing = change({ accepting_jobs: false }).then(() => {
      closed = true;
    });
    await read();
    expect(closed).toBe(false);
    commit();
    await Promise.all([submission, closing]);
    expect((await api.call('GET', `/api/jobs/${id}`)).status).toBe(200);
    expect((await submit()).status).toBe(503);
    await change({ accepting_jobs: true });
  });
});

describe('the audit log', () => {
  const deedsOf = async (query: string) =>
    (await bodyOf(await api.call('GET', `/api/audit-log?${query}`), pageOf(deed))).items;

  it('tells who did what to what, by action and subject', async () => {
    const test_batch_id = newId();
    const response = await api.call('POST', '/api/bulk-users/create', {
      json: { count: 2, config: { test_batch_id } },
      headers: { 'X-Request-Id': 'trace-me' },
    });
    const { id } = await bodyOf(response, job);
    await api.call('POST', `/api/jobs/${id}/cancel`);
    expect(await deedsOf(`subject=${test_batch_id}`)).toMatchObject([
      { action: 'jobs.cancel', detail: { job_id: id, kind: 'bulk-users.create' } },
      {
        actor: 'MUSTER_API_KEY',
        key_id: (await bodyOf(await api.call('GET', '/api/user/profile'), profile)).key_id,
        action: 'bulk-users.create',
        detail: { job_id: id, count: 2, template: 'default' },
        request_id: 'trace-me',
      },
    ]);
    expect(await deedsOf('action=settings.change&subject=max_bulk_users&limit=1')).toMatchObject([
      { detail: { from: 100, to: 200 } },
    ]);
    expect(await deedsOf('actor=nobody')).toEqual([]);
  });

  it('has nothing of a call that was refused', async () => {
    const before = (await deedsOf('action=bulk-users.create')).length;
    expect((await submit({ count: 5001 })).status).toBe(422);
    expect(await deedsOf('action=bulk-users.create')).toHaveLength(before);
  });
});

it('serves alerts, with the thresholds as they are now', async () => {
  await change({ alert_disk_percent: 0 });
  const { items } = await bodyOf(
    await api.call('GET', '/api/alerts'),
    listAlertsOperation.responses[200].schema,
  );
  expect(items.find(({ name }) => name === 'disk_usage_percent')).toMatchObject({
    status: 'firing',
    threshold: 0,
  });
  const metrics = await (await api.call('GET', '/metrics', { key: null })).text();
  expect(metrics).toContain('muster_alert_firing{alert="disk_usage_percent"} 1');
});
