import { accounts } from '../../../../drizzle/platform/schema/accounts.ts';
import { defaultLogin } from '../../../../shared/contracts/account-sessions.ts';
import { getSessionsOperation } from '../../../../shared/http/account-sessions.ts';
import { job } from '../../../../shared/http/jobs.ts';
import { loadTestDetail } from '../../../../shared/http/load-tests.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import { saveSessions } from '../../../../shared/store/accounts/account-sessions.ts';
import { findJob } from '../../../../shared/store/jobs/jobs.ts';
import { leaseAccounts } from '../../../../shared/store/load-tests/account-leases.ts';
import { bodyOf, problemOf, testApi } from '../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';
import { insertTest } from '../../../../test/fixtures/load-test.ts';
import { postgresStore } from '../../../../test/fixtures/queue.ts';

/** The API's side alone: no worker runs, so that a job stays as it is put. */
const databases = testDatabases();
const storefront = 'http://127.0.0.1:1';
const api = testApi(databases, {
  QUEUE_PREFIX: postgresStore(databases).prefix,
  STOREFRONT_URL: `${storefront}/`,
});
const db = () => databases.platform.db;
const batchId = newId();

beforeAll(async () => {
  const rows = await db()
    .insert(accounts)
    .values(
      ['ann', 'ben', 'cyd', 'dan'].map(username => ({
        ...{ username, email: `${username}@shop.test`, role: 'user', testBatchId: batchId },
        sealedPassword: username === 'dan' ? null : 'sealed',
        status: 'synced' as const,
      })),
    )
    .returning();
  const [ann, ben] = rows.map(({ id }) => ({ accountId: id, expiresAt: null, loginMs: 9 }));
  if (ann === undefined || ben === undefined) throw new Error('Nobody was inserted');
  const sessions = [
    { ...ann, sealedSession: 'sealed', failureCode: null },
    { ...ben, sealedSession: null, failureCode: 'timeout' },
  ];
  await saveSessions(db(), { origin: storefront, sessions });
});

const logIn = (json: object) => api.call('POST', '/api/users/sessions/bulk-login', { json });

async function faultsOf(response: Response): Promise<string[]> {
  expect(response.status).toBe(422);
  return ((await problemOf(response)).errors ?? []).map(({ pointer, code }) => `${pointer} ${code}`);
}

describe('POST /api/users/sessions/bulk-login', () => {
  it("is a job; without fields at the storefront, in the storefront's way", async () => {
    const response = await logIn({ batch_id: batchId });
    const { id, kind } = await bodyOf(response, job);
    expect([response.status, kind, response.headers.get('location')]).toEqual([
      202,
      'users.bulk-login',
      `/api/jobs/${id}`,
    ]);
    expect(await findJob(db(), id)).toMatchObject({
      payload: {
        batch_id: batchId,
        origin: storefront,
        login: defaultLogin,
        concurrency: 10,
        rate_per_second: null,
        force: false,
      },
    });
  });

  it.each<[string, { login?: object; target_url?: string; batch_id?: string }, string]>([
    [
      'a target that is not allowed',
      { target_url: 'http://169.254.169.254/' },
      '/target_url target_not_allowed',
    ],
    ['a batch that nobody is of', { batch_id: newId() }, '/batch_id no_accounts'],
    ['a path on another host', { login: { path: '//evil.test/login' } }, '/login/path invalid'],
    [
      'a path that browsers take for another host',
      { login: { path: '/\\evil.test' } },
      '/login/path invalid',
    ],
    [
      'a body without a password',
      { login: { body: { u: '{username}' } } },
      '/login/body placeholder_missing',
    ],
    [
      'an object in a form',
      { login: { content_type: 'form', body: { a: ['{username}{password}'] } } },
      '/login/body/a invalid',
    ],
    [
      'a pointer that is none',
      { login: { session: { type: 'bearer', json_pointer: 'token' } } },
      '/login/session/json_pointer invalid_format',
    ],
  ])('refuses %s', async (_case, { login, ...body }, fault) => {
    const whole = login && { ...{ path: '/login', body: { u: '{username}', p: '{password}' } }, ...login };
    expect(await faultsOf(await logIn({ ...body, ...(whole && { login: whole }) }))).toEqual([fault]);
  });
});

it('GET /api/users/sessions counts sessions target by target', async () => {
  const schema = getSessionsOperation.responses[200].schema;
  const { id } = await insertTest(databases);
  const pool = { batch_id: batchId, policy: 'unique', login: defaultLogin } as const;
  const need = { pool, origin: storefront, users: 1 };
  await db().transaction(tx => leaseAccounts(tx, { testId: id, need }));
  const counts = await bodyOf(await api.call('GET', `/api/users/sessions?batch_id=${batchId}`), schema);
  expect(counts).toEqual({
    ...{ accounts: 4, active: 1, expired: 0, failed: 1, leased: 1 },
    targets: [
      { origin: storefront, active: 1, expired: 0, failed: 1, failures: { timeout: 1 }, next_expiry: null },
    ],
  });
  const none = await bodyOf(await api.call('GET', `/api/users/sessions?batch_id=${newId()}`), schema);
  expect(none).toMatchObject({ accounts: 0, targets: [] });
});

describe('a load test with a pool', () => {
  const create = (user_pool: object, more: object = {}) =>
    api.call('POST', '/api/load-tests', {
      json: {
        endpoints: [{ name: 'me', url: '/me' }],
        user_pool: { batch_id: batchId, ...user_pool },
        ...more,
      },
    });

  it('is refused with the number of accounts that are missing', async () => {
    const problem = await problemOf(await create({}, { concurrent_users: 7 }));
    expect(problem).toMatchObject({ status: 422, code: 'not_enough_accounts' });
    expect(problem.detail).toContain('5 are missing'); // one is held, one has no password
    const ramp = { executor: 'ramping-vus', stages: [{ duration: '1s', target: 3 }] };
    expect((await problemOf(await create({}, ramp))).detail).toContain('1 are missing');
    expect((await problemOf(await create({ login: false }, { concurrent_users: 1 }))).code).toBe(
      'not_enough_accounts',
    );
    expect((await create({ policy: 'shared' }, { concurrent_users: 7 })).status).toBe(202);
  });

  it('cannot have more users than it has accounts, one a user', async () => {
    const test = await bodyOf(await create({}, { concurrent_users: 2 }), loadTestDetail);
    expect(test.config.user_pool).toEqual({ batch_id: batchId, policy: 'unique', login: defaultLogin });
    const change = (concurrent_users: number) =>
      api.call('PATCH', `/api/load-tests/${test.id}`, { json: { concurrent_users } });
    expect(await problemOf(await change(3))).toMatchObject({ status: 409, code: 'conflict' });
    expect((await change(1)).status).toBe(200);
  });
});
