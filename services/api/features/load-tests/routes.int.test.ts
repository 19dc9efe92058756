import { eq } from 'drizzle-orm';
import { loadTests } from '../../../../drizzle/platform/schema/load-tests.ts';
import { loadTestDefinition } from '../../../../shared/http/load-test-definition.ts';
import { emergencyStopOperation, loadTest, loadTestDetail } from '../../../../shared/http/load-tests.ts';
import { pageOf } from '../../../../shared/http/pagination.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import { shardLeaseMs } from '../../../../shared/store/load-tests/load-shards.ts';
import { placeShards } from '../../../../shared/store/load-tests/load-slots.ts';
import { bodyOf, problemOf, testApi } from '../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';
import { endedTest } from '../../../../test/fixtures/load-results.ts';
import { type LoadTarget, startTarget } from '../../../../test/fixtures/load-target.ts';
import { insertTest } from '../../../../test/fixtures/load-test.ts';
import { postgresStore } from '../../../../test/fixtures/queue.ts';

/** The API's side alone: no worker runs, so that a test stays as it is put. */
const databases = testDatabases();
const api = testApi(databases, {
  QUEUE_PREFIX: postgresStore(databases).prefix,
  MAX_LOAD_USERS: '100',
  MAX_LOAD_RATE: '1000',
  MAX_LOAD_DURATION_MINUTES: '60',
  STOREFRONT_URL: 'http://127.0.0.1:1/',
});
const db = () => databases.platform.db;

let catalogue: unknown;
let target: LoadTarget;
beforeAll(async () => {
  target = await startTarget((request, response) => {
    response.statusCode = request.url === '/catalogue' ? 200 : 404;
    response.end(typeof catalogue === 'string' ? catalogue : JSON.stringify(catalogue));
  });
});
afterAll(() => target.stop());
beforeEach(() => {
  catalogue = {
    endpoints: [
      { name: 'home', url: '/', method: 'GET', weight: 3, timeout: 10, description: 'Home' },
      { name: 'search', url: '/search?q=a', method: 'GET', weight: 1, timeout: 10, since: 2020 },
      { name: 'cart', url: '/cart', method: 'GET', weight: 1, timeout: 10, requires_login: true },
    ],
  };
});

const home = { name: 'home', url: '/' };
const create = (body: object, headers: Record<string, string> = {}) =>
  api.call('POST', '/api/load-tests', { json: { target_url: target.origin, ...body }, headers });
const created = async (body: object) => bodyOf(await create(body), loadTestDetail);

async function faultsOf(response: Response): Promise<string[]> {
  expect(response.status).toBe(422);
  return ((await problemOf(response)).errors ?? []).map(({ pointer, code }) => `${pointer} ${code}`);
}

/** What the conductor does at the end of a test. */
async function end(id: string): Promise<void> {
  const { metrics, endpoints, startAt } = endedTest();
  const ended = { status: 'succeeded', metrics, endpoints, startAt, finishedAt: new Date() } as const;
  await db().update(loadTests).set(ended).where(eq(loadTests.id, id));
}

describe('a new load test', () => {
  it('is answered with 202, where it is, and what is in force', async () => {
    const response = await create({
      endpoints: [{ ...home, body: { a: 1 }, method: 'POST' }],
      duration: '30s',
    });
    const test = await bodyOf(response, loadTestDetail);
    expect([response.status, response.headers.get('location')]).toEqual([202, `/api/load-tests/${test.id}`]);
    expect(test).toMatchObject({
      status: 'queued',
      active_users: 0,
      config: {
        target_url: `${target.origin}/`,
        concurrent_users: 10,
        duration_seconds: 30,
        request_interval_min: 1,
        request_interval_max: 5,
        endpoints: [
          { url: '/', method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } },
        ],
      },
    });
    const job = await api.call('GET', `/api/jobs/${test.job_id}`);
    expect(await job.json()).toMatchObject({ kind: 'load-tests.run', status: 'queued' });
  });

  it("takes the target's catalogue when it names no endpoints, but for what needs a login", async () => {
    const { config } = await created({ endpoint_weights: { search: 0 } });
    expect(config.endpoints.map(({ name, weight }) => [name, weight])).toEqual([
      ['home', 3],
      ['search', 0],
    ]);
  });

  it('is one test however often it is sent under one key, also when the target is gone by then', async () => {
    const key = { 'Idempotency-Key': 'once' };
    const first = await bodyOf(await create({}, key), loadTestDetail);
    catalogue = 'gone';
    const again = await create({}, key);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await bodyOf(again, loadTestDetail)).id).toBe(first.id);
  });

  it.each([
    ['a special address', 'http://169.254.169.254/latest/meta-data'],
    ['an address', 'http://10.1.2.3:8080/'],
    ['IPv6', 'http://[2001:db8::1]/'],
    ['a numeric form', 'http://167838211/'],
    ['IPv4 as IPv6', 'http://[::ffff:10.1.2.3]/'],
    ['a name that is nowhere', 'http://nowhere.invalid/'],
  ])('is refused for a target that is not allowed, by %s', async (_how, target_url) => {
    const response = await create({ target_url, endpoints: [home] });
    expect(response.status).toBe(422);
    expect(await problemOf(response)).toMatchObject({
      code: 'target_not_allowed',
      errors: [{ pointer: '/target_url', code: 'target_not_allowed' }],
    });
  });

  it('may aim at loopback in any form', async () => {
    for (const host of ['localhost', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]']) {
      expect((await create({ target_url: `http://${host}:9/`, endpoints: [home] })).status).toBe(202);
    }
  });

  it('is refused with all faults of its endpoints at once', async () => {
    const endpoints = [
      { ...home, weight: 0 },
      { name: 'a', url: 'http://10.0.0.1/', weight: 0 },
      { name: 'b', url: '//10.0.0.1/', weight: 0 },
      { name: 'c', url: '\\\\10.0.0.1\\', weight: 0 },
      { name: 'd', url: 'javascript:alert(1)', weight: 0 },
      { name: 'e', url: `${target.origin}/same?x#y`, weight: 0 },
    ];
    const thresholds = { 'http_reqs{name:nobody}': ['count>1', 'count>2'] };
    const response = await create({ endpoints, endpoint_weights: { nobody: 1 }, thresholds });
    expect(await faultsOf(response)).toEqual([
      '/endpoints/1/url other_origin',
      '/endpoints/2/url other_origin',
      '/endpoints/3/url other_origin',
      '/endpoints/4/url other_origin',
      '/endpoint_weights/nobody unknown_endpoint',
      '/endpoint_weights weights_sum_to_zero',
      '/thresholds/http_reqs{name:nobody} unknown_endpoint',
    ]);
    const logins = { login_duration: ['p(95)<1'] };
    expect(await faultsOf(await create({ endpoints: [home], thresholds: logins }))).toEqual([
      '/thresholds/login_duration no_logins',
    ]);
  });

  it('cannot pass the limits', async () => {
    const stages = [{ duration: '61m', target: 2000 }];
    expect(await faultsOf(await create({ concurrent_users: 101, duration_minutes: 61 }))).toEqual([
      '/concurrent_users limit_exceeded',
      '/duration_minutes limit_exceeded',
    ]);
    const ramp = { executor: 'ramping-arrival-rate', rate: 60_001, time_unit: '1m', stages };
    expect(await faultsOf(await create({ ...ramp, endpoints: [home] }))).toEqual([
      '/rate limit_exceeded',
      '/stages limit_exceeded',
    ]);
    expect(await faultsOf(await create({ executor: 'ramping-vus', stages }))).toEqual([
      '/stages limit_exceeded',
      '/stages/0/target limit_exceeded',
    ]);
  });

  it('says when there is no catalogue to be had', async () => {
    const codeOf = async (response: Response) => (await problemOf(response)).code;
    for (const broken of [
      'no JSON',
      { endpoints: [{ name: 'x' }] },
      { endpoints: [] },
      'x'.repeat(2_000_000),
    ]) {
      catalogue = broken;
      expect(await codeOf(await create({}))).toBe('catalogue_unreadable');
    }
    expect(await codeOf(await api.call('POST', '/api/load-tests', { json: {} }))).toBe('target_unreachable');
  });
});

describe('the next load test', () => {
  it('is begun from the limits and defaults, or from the definition of another one', async () => {
    const read = (path: string) => api.call('GET', `/api/load-tests/${path}`);
    const limits = { concurrent_users: 100, rate_per_second: 1000, duration_seconds: 3600 };
    const defaults = { target_url: 'http://127.0.0.1:1/', duration: '30m', concurrent_users: 10 };
    expect(await (await read('limits')).json()).toMatchObject({ limits, defaults });
    const { id, config } = await created({ endpoints: [home], thresholds: { http_reqs: ['count>1'] } });
    const definition = await bodyOf(await read(`${id}/definition`), loadTestDefinition);
    expect((await created(definition)).config).toEqual(config);
    expect((await read(`${newId()}/definition`)).status).toBe(404);
  });
});

describe('a load test that runs', () => {
  const change = (id: string, json: object) => api.call('PATCH', `/api/load-tests/${id}`, { json });

  it('is changed as far as its executor and the limits allow', async () => {
    const { id } = await insertTest(databases);
    const body = await bodyOf(await change(id, { concurrent_users: 20, paused: true }), loadTestDetail);
    expect(body.control).toMatchObject({ concurrent_users: 20, paused: true });
    expect(await faultsOf(await change(id, { rate: 5 }))).toEqual(['/rate not_for_executor']);
    expect(await faultsOf(await change(id, { concurrent_users: 101, request_interval_min: 1 }))).toEqual([
      '/concurrent_users limit_exceeded',
      '/request_interval_min out_of_order',
    ]);
    expect(await faultsOf(await change(id, { endpoint_weights: { home: 0, x: 1 } }))).toEqual([
      '/endpoint_weights/x unknown_endpoint',
      '/endpoint_weights weights_sum_to_zero',
    ]);
  });

  it('takes one of two changes that do not go together, however close they come', async () => {
    const { id } = await insertTest(databases, {
      endpoints: ['a', 'b'].map(name => ({ name, url: '/', method: 'GET', weight: 1, timeout: 5 })),
    });
    const answers = await Promise.all(
      ['a', 'b'].map(name => change(id, { endpoint_weights: { [name]: 0 } })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 422]);
  });

  it('is stopped, again and again, and stays as it is once it has ended', async () => {
    const { id } = await insertTest(databases);
    for (let times = 0; times < 2; times += 1) {
      const response = await api.call('POST', `/api/load-tests/${id}/stop`);
      expect(response.status).toBe(202);
      expect((await bodyOf(response, loadTestDetail)).control.stop).toBe('graceful');
    }
    await end(id);
    expect((await api.call('POST', `/api/load-tests/${id}/stop`)).status).toBe(202);
    expect((await change(id, { paused: true })).status).toBe(409);
    expect((await api.call('POST', `/api/load-tests/${newId()}/stop`)).status).toBe(404);
  });

  it('ends with all others by an emergency stop', async () => {
    const ids = [(await insertTest(databases)).id, (await insertTest(databases)).id];
    const response = await api.call('POST', '/api/load-tests/emergency-stop');
    expect(response.status).toBe(200);
    const { stopped, ...rest } = await bodyOf(response, emergencyStopOperation.responses[200].schema);
    expect(stopped).toEqual(expect.arrayContaining(ids));
    expect(rest).toEqual({ took_ms: expect.any(Number), unconfirmed: [] });
  });

  it('is named by an emergency stop when its worker does not say that it stopped', async () => {
    const { id } = await insertTest(databases);
    const places = [{ workerId: newId(), worker: 'ada' }];
    await placeShards(db(), { testId: id, places, leaseMs: shardLeaseMs });
    const response = await api.call('POST', '/api/load-tests/emergency-stop');
    const { unconfirmed } = await bodyOf(response, emergencyStopOperation.responses[200].schema);
    expect(unconfirmed).toEqual([{ load_test_id: id, shard: 0, worker: 'ada' }]);
    await end(id);
  });

  it('is listed, newest first, by status or because it is active', async () => {
    const { id } = await insertTest(databases);
    const list = async (query: string) =>
      bodyOf(await api.call('GET', `/api/load-tests?${query}`), pageOf(loadTest));
    const { items, next_cursor } = await list('status=active&limit=1');
    expect(items.map(test => test.id)).toEqual([id]);
    expect((await list(`status=queued&cursor=${next_cursor}`)).items.length).toBeGreaterThan(0);
    await end(id);
    expect((await list('status=succeeded&limit=1')).items.map(test => test.id)).toEqual([id]);
  });
});
