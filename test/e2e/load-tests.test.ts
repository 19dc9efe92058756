import { seedShop } from '../../services/storefront/seed/shop.ts';
import { getJobOperation } from '../../shared/http/jobs.ts';
import {
  compareLoadTestsOperation,
  readLoadJunitOperation,
  readLoadReportOperation,
  readLoadSummaryOperation,
  readTimeseriesOperation,
} from '../../shared/http/load-test-results.ts';
import {
  changeLoadTestOperation,
  createLoadTestOperation,
  emergencyStopOperation,
  getLoadTestOperation,
  loadTickSchema,
  streamLoadTestEventsOperation,
} from '../../shared/http/load-tests.ts';
import type { HttpServer } from '../../shared/platform/http-server.ts';
import { testDatabases } from '../fixtures/database.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { testStack } from '../fixtures/stack.ts';
import { smallShop, startStorefront } from '../fixtures/storefront.ts';

/** From the request to the report, as a client sees it: an api, two workers, and the storefront as the target. */
const databases = testDatabases();
const stack = testStack({ databases, store: () => postgresStore(databases), workers: 2 });
let shop: HttpServer;

beforeAll(async () => {
  await seedShop(databases.application.db, smallShop);
  shop = await startStorefront(databases.application);
});
afterAll(() => shop.stop());

const begin = (body: object) =>
  stack.client.submit(createLoadTestOperation, {
    body: { target_url: shop.url, request_interval_min: 0.02, request_interval_max: 0.05, ...body },
  });
const look = (id: string) => stack.client.read(getLoadTestOperation, { params: { id } });

/** Reads a test's stream to its end, which the API must bring; `onTick` sees each second. */
async function watch(id: string, onTick: (second: number) => Promise<unknown> = async () => {}) {
  const events: { id: number; event: string }[] = [];
  const stream = stack.client.events(streamLoadTestEventsOperation, id, '', AbortSignal.timeout(30_000));
  for await (const { id: eventId, event, data } of stream) {
    events.push({ id: Number(eventId), event });
    if (event === 'tick') await onTick(loadTickSchema.parse(JSON.parse(data)).point.second);
  }
  return events;
}

describe('a load test over two workers', () => {
  it('is followed from its start to its report', async () => {
    const thresholds = { http_reqs: ['count>10'], 'http_req_duration{name:home}': ['p(95)<10000'] };
    const weights = { error: 0, slow: 0 };
    const body = { concurrent_users: 6, duration: '3s', endpoint_weights: weights, thresholds };
    const [first, second] = [await begin({ ...body, session_name: '<one>' }), await begin(body)];
    const [events] = await Promise.all([watch(first.id), watch(second.id)]);

    const ticks = events.filter(({ event }) => event === 'tick');
    expect(ticks.length).toBeGreaterThanOrEqual(3);
    const ids = events.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));

    const test = await look(first.id);
    expect(test).toMatchObject({ status: 'succeeded', degraded: false, active_users: 0, reason: null });
    expect(test.thresholds.map(({ ok }) => ok)).toEqual([true, true]);
    expect(test.shards.reduce((sum, { requests }) => sum + requests, 0)).toBe(test.metrics.http_reqs.count);
    expect(test.endpoints.error?.http_reqs.count ?? 0).toBe(0);
    const { items } = await stack.client.read(readTimeseriesOperation, { params: { id: test.id } });
    expect(items.reduce((sum, { requests }) => sum + requests, 0)).toBe(test.metrics.http_reqs.count);
    const job = await stack.client.read(getJobOperation, { params: { id: test.job_id } });
    expect(job).toMatchObject({ status: 'succeeded', kind: 'load-tests.run' });

    const text = (operation: typeof readLoadSummaryOperation | typeof readLoadReportOperation) =>
      stack.client.text(operation, { params: { id: test.id } });
    expect(await text(readLoadSummaryOperation)).toContain("✓ 'count>10'");
    expect(await text(readLoadReportOperation)).toContain('<h1>&lt;one&gt;</h1>');
    const junit = await stack.client.text(readLoadJunitOperation, { params: { id: test.id } });
    expect(junit).toContain('tests="3" failures="0"');
    const query = { base: first.id, head: second.id };
    const compared = await stack.client.read(compareLoadTestsOperation, { query });
    expect(compared).toMatchObject({ verdict: 'inconclusive', warnings: [] }); // three seconds say nothing
  });

  it('is changed while it runs, and ends by an emergency stop', async () => {
    const { id } = await begin({ executor: 'constant-arrival-rate', rate: 20, duration: '60s' });
    const body = { rate: 80 };
    const events = await watch(id, async second => {
      if (second === 0) await stack.client.read(changeLoadTestOperation, { params: { id }, body });
      if (second !== 1) return;
      const { stopped } = await stack.client.read(emergencyStopOperation);
      expect(stopped).toEqual([id]);
    });
    expect(events.map(({ event }) => event)).toEqual(expect.arrayContaining(['control', 'status']));
    expect(await look(id)).toMatchObject({ status: 'aborted', reason: { code: expect.any(String) } });
  });
});
