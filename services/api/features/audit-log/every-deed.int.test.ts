import { unsubscribePath } from '../../../../shared/contracts/notification-messages/unsubscribe.ts';
import { job } from '../../../../shared/http/jobs.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import { createLinkSigner } from '../../../../shared/platform/notification-keys.ts';
import { createApiKey } from '../../../../shared/store/access/api-keys.ts';
import { insertJob } from '../../../../shared/store/jobs/jobs.ts';
import { readDocument } from '../../../../test/e2e/bad-input/openapi.ts';
import { bodyOf, type CallOptions, testApi } from '../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';
import { type LoadTarget, startTarget } from '../../../../test/fixtures/load-target.ts';
import { insertTest } from '../../../../test/fixtures/load-test.ts';
import { postgresStore } from '../../../../test/fixtures/queue.ts';
import { testSnapshots } from '../../../../test/fixtures/snapshots.ts';
import { linesOf, ndjson, userOf } from '../../../../test/fixtures/user-import.ts';
import { testKey } from '../../../../test/fixtures/vault.ts';
import { makeOffices } from '../../../../test/fixtures/welfare.ts';

/** Walks the API's document: every operation that changes something is done once, and must have its line. No worker runs. */
const databases = testDatabases();
const snapshots = testSnapshots();
const api = testApi(databases, {
  QUEUE_PREFIX: postgresStore(databases).prefix,
  get DATA_DIR() {
    return snapshots.dataDir;
  },
});
const own = () => databases.platform;
const batchId = newId();
const endpoints = [{ name: 'home', url: '/' }];
let target: LoadTarget;

const importUsers = (...names: string[]): CallOptions & { path: string } => {
  const users = names.map(name => userOf(name, { is_test_user: true, test_batch_id: batchId }));
  return { path: '/api/users/import', body: linesOf(users), headers: ndjson };
};
const send = (method: string, { path, ...options }: CallOptions & { path: string }) =>
  api.call(method, path, options);

beforeAll(async () => {
  target = await startTarget();
  await send('POST', importUsers('ann', 'ben'));
  await snapshots.create(databases.applicationUrl, 'kept');
  await makeOffices(databases.application.sql, {
    ...{
      name: 'audited',
      offices: 1,
      staffPerOffice: 1,
      recipientsPerOffice: 1,
      firstDeadline: '2026-01-31',
    },
  });
});
afterAll(() => target.stop());

/** Operations that change nothing, by POST for the size of their questions; the last one tells what it gives away. */
const questions = [
  'identifyUsers',
  'listPoolEntries',
  'readPoolDigests',
  'readPoolUsers',
  'validateBulkUserConfig',
];

async function newJob(kind: string, status = 'queued'): Promise<string> {
  const id = newId();
  await insertJob(own().db, { id, kind, payload: { dry_run: true }, requestedBy: 'test' });
  if (status !== 'queued')
    await own().sql`update jobs set status = ${status}, finished_at = now() where id = ${id}`;
  return id;
}

/** Of a job that was asked for over HTTP. */
async function ended(path: string, json: object): Promise<void> {
  const { id } = await bodyOf(await api.call('POST', path, { json }), job);
  await own().sql`update jobs set status = 'failed', finished_at = now() where id = ${id}`;
}

async function unknownDelivery() {
  const [id, runId] = [newId(), await newJob('deadline-notifications.run', 'failed')];
  await databases.application.sql`
    insert into muster.notification_deliveries
      (id, run_id, run, page_index, epoch, office_id, staff_id, channel, cycle_ids, status)
    values (${id}, ${runId}, 0, 0, 1, ${id}, ${id}, 'email', '{}', 'unknown')`;
  return { id, runId };
}

const newLoadTest = async () => (await insertTest(databases)).id;
const template = { config: {} };
const templates = '/api/bulk-users/config/templates';
const base = '/api/deadline-notifications';

const deeds: Record<string, () => Promise<CallOptions & { path: string }>> = {
  createApiKey: async () => ({ path: '/api/api-keys', json: { name: 'x', role: 'viewer' } }),
  deleteApiKey: async () => {
    const { id } = await createApiKey(own().db, { name: 'y', role: 'viewer', createdBy: 'test' });
    return { path: `/api/api-keys/${id}` };
  },
  changeSettings: async () => ({ path: '/api/settings', json: { retention_days: 31 } }),
  createUserTemplate: async () => ({ path: templates, json: { name: 'mine', ...template } }),
  replaceUserTemplate: async () => ({ path: `${templates}/mine`, json: template }),
  deleteUserTemplate: async () => ({ path: `${templates}/mine` }),
  createBulkUsers: async () => ({ path: '/api/bulk-users/create', json: { count: 1 } }),
  deleteBatch: async () => {
    const test_batch_id = newId();
    await ended('/api/bulk-users/create', { count: 1, config: { test_batch_id } });
    return { path: `/api/bulk-users/batches/${test_batch_id}` };
  },
  cleanUpBulkUsers: async () => ({
    path: '/api/bulk-users/lifecycle/cleanup',
    json: { older_than_days: 400, dry_run: true },
  }),
  syncUsers: async () => ({ path: '/api/bulk-users/sync', json: { target: 'load_tester' } }),
  importUsers: async () => importUsers('cyd', 'dan'),
  bulkLogin: async () => ({
    path: '/api/users/sessions/bulk-login',
    json: { batch_id: batchId, target_url: target.origin },
  }),
  deletePoolUsers: async () => ({ path: '/api/users/sync/deletions', json: { usernames: ['ann'] } }),
  deleteAccounts: async () => ({ path: `/api/users?batch_id=${batchId}` }),
  createLoadTest: async () => ({
    path: '/api/load-tests',
    json: { target_url: target.origin, endpoints },
  }),
  changeLoadTest: async () => ({
    path: `/api/load-tests/${await newLoadTest()}`,
    json: { concurrent_users: 2 },
  }),
  stopLoadTest: async () => ({ path: `/api/load-tests/${await newLoadTest()}/stop` }),
  emergencyStopLoadTests: async () => ({ path: '/api/load-tests/emergency-stop' }),
  createDataset: async () => ({ path: '/api/datasets', json: datasetOf(1) }),
  deleteDataset: async () => {
    await ended('/api/datasets', datasetOf(2));
    const [row] = await own().sql`select id from datasets where seed = 2`;
    return { path: `/api/datasets/${row?.id}` };
  },
  createSnapshot: async () => {
    await own().sql`update jobs set status = 'failed', finished_at = now() where finished_at is null`;
    return { path: '/api/snapshots', json: { name: 'new' } };
  },
  restoreSnapshot: async () => ({ path: '/api/snapshots/kept/restore', json: {} }),
  deleteSnapshot: async () => ({ path: '/api/snapshots/kept' }),
  startNotificationRun: async () => ({ path: `${base}/runs`, json: { dry_run: true } }),
  settleNotification: async () => {
    const { id } = await unknownDelivery();
    return { path: `${base}/deliveries/${id}/settle`, json: { arrived: true } };
  },
  settleNotificationRun: async () => {
    const { runId } = await unknownDelivery();
    return { path: `${base}/runs/${runId}/settle`, json: { arrived: true } };
  },
  unsubscribe: async () => {
    const [staff] = await databases.application.sql`select id from staffs limit 1`;
    const token = createLinkSigner(testKey, 'unsubscribe').sign(staff?.id);
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    return {
      path: `${unsubscribePath}?token=${token}`,
      key: null,
      body: 'List-Unsubscribe=One-Click',
      headers,
    };
  },
  cancelJob: async () => ({ path: `/api/jobs/${await newJob('snapshots.create')}/cancel` }),
  retryJob: async () => ({ path: `/api/jobs/${await newJob('snapshots.create', 'failed')}/retry` }),
};

const datasetOf = (seed: number) => ({ offices: 1, staffs_per_office: 1, recipients_per_office: 1, seed });

it('has a line of every operation of the API that changes something', async () => {
  const { operations } = readDocument(await (await api.call('GET', '/api/openapi.json')).json());
  const writing = operations.filter(({ method }) => !['GET', 'HEAD'].includes(method));
  const [known, silent]: [string[], string[]] = [Object.keys(deeds), []];
  expect(writing.map(({ operationId }) => operationId).toSorted()).toEqual(
    [...known, ...questions].toSorted(),
  );
  for (const [operationId, prepare] of Object.entries(deeds)) {
    const method = writing.find(operation => operation.operationId === operationId)?.method ?? '';
    const response = await send(method, await prepare());
    if (!response.ok) throw new Error(`${operationId}: ${await response.text()}`);
    const requestId = response.headers.get('x-request-id');
    const lines = await own().sql`select action from audit_log where request_id = ${requestId}`;
    if (lines.length === 0) silent.push(operationId);
  }
  expect(silent).toEqual([]);
});

it('has a line of what is done beside the operations: a login, and what an admin does in Bull Board', async () => {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  await api.call('POST', '/login', { key: null, body: `api_key=${api.key}`, headers });
  await api.call('PUT', '/admin/queues/api/queues/snapshots.create/pause');
  const lines = await own().sql`
    select actor, action, subject from audit_log where action in ('web-sessions.open', 'bull-board.act') order by id`;
  expect(lines).toEqual([
    { actor: 'MUSTER_API_KEY', action: 'web-sessions.open', subject: null },
    {
      actor: 'MUSTER_API_KEY',
      action: 'bull-board.act',
      subject: 'PUT /api/queues/snapshots.create/pause',
    },
  ]);
});
