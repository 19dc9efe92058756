import { sessions } from '../../../../drizzle/application/schema/sessions.ts';
import { accountLeases } from '../../../../drizzle/platform/schema/accounts.ts';
import { defaultLogin } from '../../../../shared/contracts/account-sessions.ts';
import {
  type LoadTestConfig,
  loadTestRun,
  type UserPoolConfig,
} from '../../../../shared/contracts/load-tests.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import { listLoadErrors } from '../../../../shared/store/load-tests/load-results.ts';
import { type LoadTestRow, requestStop } from '../../../../shared/store/load-tests/load-tests.ts';
import { insertAccounts } from '../../../../test/fixtures/accounts.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';
import { startTarget } from '../../../../test/fixtures/load-target.ts';
import { insertTest, untilTest, untilTestEnded } from '../../../../test/fixtures/load-test.ts';
import { postgresStore } from '../../../../test/fixtures/queue.ts';
import {
  type LoggedStorefront,
  startLoggedStorefront,
  type Visit,
  visitorsAtOnce,
} from '../../../../test/fixtures/storefront.ts';
import { testVault } from '../../../../test/fixtures/vault.ts';
import { type RunningWorker, runWorker } from '../../../../test/fixtures/worker.ts';

const databases = testDatabases();
const batchId = newId();
const usernames = [1, 2, 3, 4, 5, 6].map(number => `user${number}`);
let shop: LoggedStorefront;
let workers: RunningWorker[];

beforeAll(async () => {
  await insertAccounts(databases, { usernames, batchId });
  shop = await startLoggedStorefront(databases.application);
  const start = (name: string) => runWorker(databases, postgresStore(databases), { name, loadSlots: 2 });
  workers = await Promise.all(['ada', 'bob'].map(start));
});
afterAll(async () => {
  await Promise.all(workers.map(worker => worker.stop()));
  await shop.stop();
});

async function begin(
  config: Partial<LoadTestConfig>,
  pool: Partial<UserPoolConfig> = {},
): Promise<LoadTestRow> {
  const test = await insertTest(databases, {
    target_url: shop.url,
    concurrent_users: 6,
    duration_seconds: 2,
    endpoints: [{ name: 'me', url: '/me', method: 'GET', weight: 1, timeout: 5 }],
    user_pool: { batch_id: batchId, policy: 'unique', login: defaultLogin, ...pool },
    ...config,
  });
  await workers[0]?.queue.enqueue(loadTestRun, { job_id: test.jobId });
  return test;
}

/** What the shop saw of a run, without its logins. */
const visitsOf = async ({ id }: LoadTestRow): Promise<Visit[]> =>
  (await shop.visits()).filter(({ user_agent }) => user_agent?.includes(id));
const shardOf = ({ user_agent }: Visit): string => /shard (\d+)/.exec(user_agent ?? '')?.[1] ?? '';
const namesOf = (visits: Visit[]) => [...new Set(visits.map(({ username }) => username))].toSorted();
const leases = async (): Promise<number> => databases.platform.db.$count(accountLeases);

it('each user of a run has an account of its own, which is given back at the end', async () => {
  const unjudged = { abort_on_fail: false, delay_abort_eval_seconds: 0 };
  const begun = await begin({
    thresholds: [{ metric: 'login_duration', expression: 'med>0', ...unjudged }],
  });
  await untilTest(databases, begun.id, 'running', ({ status }) => status === 'running');
  expect(await leases()).toBe(6);
  const test = await untilTestEnded(databases, begun.id);
  expect(test).toMatchObject({ status: 'succeeded', degraded: false });
  expect(test.metrics).toMatchObject({
    http_req_failed: { passes: 0 },
    logins: { count: 6, failed: 0 },
    login_duration: { med: expect.any(Number) },
  });
  expect(test.thresholds).toMatchObject([{ ok: true, actual: test.metrics?.login_duration?.med }]);
  const visits = await visitsOf(test);
  expect(visits).toHaveLength(test.metrics?.http_reqs.count ?? 0);
  expect(namesOf(visits)).toEqual(usernames);
  expect(visitorsAtOnce(visits)).toEqual([]);
  const shards = Map.groupBy(visits, shardOf);
  expect([...shards.keys()].toSorted()).toEqual(['0', '1']);
  expect([...shards.values()].map(of => namesOf(of).length)).toEqual([3, 3]);
  expect(await leases()).toBe(0);
});

it.each([
  ['kept from the run before', 0],
  ['of a login before the start', 6],
])(
  'a session that the target has forgotten is renewed once, and its request sent again: one %s',
  async (_which, before) => {
    if (before > 0) await databases.platform.sql`delete from account_sessions`;
    const { id } = await begin({ duration_seconds: 60 });
    await untilTest(databases, id, 'under load', ({ metrics }) => (metrics?.http_reqs.count ?? 0) > 10);
    await databases.application.db.delete(sessions);
    await untilTest(
      databases,
      id,
      'asked to log in again',
      ({ metrics }) => (metrics?.statuses['401'] ?? 0) >= 6,
    );
    await databases.platform.db.transaction(tx => requestStop(tx, { id, mode: 'graceful', actor: 'eve' }));
    const test = await untilTestEnded(databases, id);
    expect(test.metrics).toMatchObject({
      http_req_failed: { passes: 0 },
      logins: { count: before + 6, failed: 0 },
      statuses: { 200: expect.any(Number), 401: 6 },
    });
    const visits = await visitsOf(test);
    expect(visits.filter(({ status }) => status === 401)).toHaveLength(6);
    expect(namesOf(visits.filter(({ status }) => status === 200))).toEqual(usernames);
  },
);

it('users take turns over fewer accounts; who cannot log in fails with what the target says', async () => {
  const { sql } = databases.platform;
  const others = newId();
  await sql`delete from account_sessions`;
  await sql`update accounts set sealed_password = null where username = 'user1'`;
  await sql`update accounts set sealed_password = 'v1.of.another.key' where username = 'user3'`;
  await sql`update accounts set test_batch_id = ${others} where username not in ('user1', 'user2')`;
  const [turns, ill] = [
    await begin({ concurrent_users: 5, duration_seconds: 1 }, { policy: 'round_robin' }),
    await begin({ concurrent_users: 4, duration_seconds: 1 }, { batch_id: others }),
  ];
  const [test, failed] = await Promise.all([turns, ill].map(({ id }) => untilTestEnded(databases, id)));
  expect(test?.metrics).toMatchObject({ http_req_failed: { passes: 0 }, vus_max: 5 });
  expect(namesOf(await visitsOf(turns))).toEqual(['user2']);
  expect(failed?.metrics?.errors.http_4xx).toBeGreaterThan(0);
  const [sample] = await listLoadErrors(databases.platform.db, { testId: ill.id, limit: 1 });
  expect(sample).toMatchObject({ kind: 'http_4xx', status: 401, username: 'user3' });
});

it('a run that finds too few accounts when it starts fails, and takes none', async () => {
  const { id } = await begin({ concurrent_users: 9 });
  const test = await untilTestEnded(databases, id);
  expect(test).toMatchObject({ status: 'failed', reason: { code: 'not_enough_accounts' } });
  expect(test.reason?.message).toContain('8 more');
  expect(await leases()).toBe(0);
});

it('a target that answers 401 to all, to logins too, fails all requests and ends the run in order', async () => {
  const { sql } = databases.platform;
  await sql`update accounts set test_batch_id = ${batchId}, sealed_password = ${testVault.seal('any')}`;
  const target = await startTarget((_request, response) => response.writeHead(401).end());
  const { id } = await begin({ target_url: target.origin, duration_seconds: 1 });
  const { status, metrics } = await untilTestEnded(databases, id);
  await target.stop();
  expect(status).toBe('succeeded');
  expect(metrics?.logins).toMatchObject({ failed: metrics?.logins?.count });
  expect(metrics?.logins?.count).toBeGreaterThanOrEqual(6);
  expect(metrics?.logins?.count).toBeLessThanOrEqual(target.counts.get('/login') ?? 0);
  expect(metrics?.statuses).toEqual({ 401: metrics?.http_reqs.count });
  expect(metrics?.http_req_failed).toMatchObject({ passes: metrics?.http_reqs.count });
  expect(await leases()).toBe(0);
});
