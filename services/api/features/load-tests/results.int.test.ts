import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { loadTests } from '../../../../drizzle/platform/schema/load-tests.ts';
import { errorKinds } from '../../../../shared/contracts/load-metrics.ts';
import { loadTestDefinition } from '../../../../shared/http/load-test-definition.ts';
import { loadComparison } from '../../../../shared/http/load-test-results.ts';
import { loadTest, loadTestDetail } from '../../../../shared/http/load-tests.ts';
import { pageOf } from '../../../../shared/http/pagination.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import { createApiKey } from '../../../../shared/store/access/api-keys.ts';
import { appendLoadEvents } from '../../../../shared/store/load-tests/load-events.ts';
import { saveLoadErrors, saveTimeline } from '../../../../shared/store/load-tests/load-results.ts';
import { restartRun } from '../../../../shared/store/load-tests/load-runs.ts';
import { requestStop } from '../../../../shared/store/load-tests/load-tests.ts';
import { bodyOf, problemOf, testApi } from '../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';
import { endedTest, timelinePoint } from '../../../../test/fixtures/load-results.ts';
import { insertTest, loadTestConfig } from '../../../../test/fixtures/load-test.ts';
import { postgresStore } from '../../../../test/fixtures/queue.ts';

/** What the API shows of tests that ran; no worker is there, their rows are written here. */
const databases = testDatabases();
const api = testApi(databases, { QUEUE_PREFIX: postgresStore(databases).prefix });
const db = () => databases.platform.db;

/** What the conductor does at the end of a test. */
async function end(id: string): Promise<void> {
  const { metrics, endpoints, startAt } = endedTest();
  const ended = { status: 'succeeded', metrics, endpoints, startAt, finishedAt: new Date() } as const;
  await db().update(loadTests).set(ended).where(eq(loadTests.id, id));
}

it('shows no viewer what is secret in headers', async () => {
  const headers = { Authorization: 'Bearer abc', 'x-api-key': 'k', cookie: 'a=b', 'X-Acme-Token': 't' };
  const secrets = Object.keys(headers).map(name => [name, '[hidden]']);
  const endpoint = { name: 'home', url: '/', method: 'GET', weight: 1, timeout: 5 };
  const sent = { ...headers, Accept: 'text/html' };
  const { id } = await insertTest(databases, { endpoints: [{ ...endpoint, headers: sent }] });
  for (const [role, shown] of [
    ['viewer', { ...sent, ...Object.fromEntries(secrets) }],
    ['operator', sent],
  ] as const) {
    const { token: key } = await createApiKey(db(), { name: role, role, createdBy: 'test' });
    const one = await api.call('GET', `/api/load-tests/${id}`, { key });
    const list = await api.call('GET', '/api/load-tests', { key });
    const definition = await api.call('GET', `/api/load-tests/${id}/definition`, { key });
    expect((await bodyOf(definition, loadTestDefinition)).endpoints[0]?.headers).toEqual(shown);
    expect((await bodyOf(one, loadTestDetail)).config.endpoints[0]?.headers).toEqual(shown);
    expect((await bodyOf(list, pageOf(loadTest))).items[0]?.config.endpoints[0]?.headers).toEqual(shown);
  }
});

it('does not take what a viewer sees for the value of a header', async () => {
  const endpoints = [{ name: 'home', url: '/', headers: { Authorization: '[hidden]' } }];
  const json = { target_url: 'http://127.0.0.1:9/', endpoints };
  const response = await api.call('POST', '/api/load-tests', { json });
  expect((await problemOf(response)).errors).toMatchObject([
    {
      pointer: '/endpoints/0/headers/Authorization',
      detail: expect.stringContaining('give the value itself'),
    },
  ]);
});

describe('a degraded load test', () => {
  const read = async (id: string) => {
    const [one, summary] = await Promise.all([
      api.call('GET', `/api/load-tests/${id}`),
      api.call('GET', `/api/load-tests/${id}/summary`),
    ]);
    return { because: (await bodyOf(one, loadTestDetail)).degraded_because, summary: await summary.text() };
  };
  const degrade = (id: string) => db().update(loadTests).set({ degraded: true }).where(eq(loadTests.id, id));

  it('says why, wherever it says that it is', async () => {
    const { id } = await insertTest(databases);
    await end(id);
    await appendLoadEvents(db(), id, [
      { type: 'shard_late', message: 'Runs as 1 of 2 shards: no more slots are free' },
      { type: 'shard_late', shard: 0, message: 'w0 was not ready', atMs: -500 },
      { type: 'shard_lost', shard: 1, message: 'w1 went silent', silent: true, atMs: 12_000 },
      { type: 'shard_taken_over', shard: 1, message: 'w2 goes on for w1', atMs: 16_800 },
    ]);
    expect(await read(id)).toEqual({ because: [], summary: expect.not.stringContaining('degraded') });
    await degrade(id);
    const { because, summary } = await read(id);
    expect(because).toEqual([
      'before the start, shard 0: w0 was not ready',
      'at 12s, shard 1: w1 went silent',
      'at 16.8s, shard 1: w2 goes on for w1',
    ]);
    expect(summary).toContain(`      degraded: ${because.join(`\n${' '.repeat(16)}`)}\n`);
  });

  it('says so of one that nobody saw being cut short, and counts what would be too much', async () => {
    const { id } = await insertTest(databases);
    await end(id);
    await degrade(id);
    expect((await read(id)).because).toEqual([expect.stringContaining('less of its schedule')]);
    const cutOff = { type: 'shard_cut_off', shard: 0, message: 'Out of touch', atMs: 1000 } as const;
    await appendLoadEvents(db(), id, Array(9).fill(cutOff));
    const { because } = await read(id);
    expect([because.length, because.at(-1)]).toEqual([7, '3 more events like these']);
  });
});

describe('the stream of a load test', () => {
  async function read(id: string, lastId = ''): Promise<{ id: number; event: string; data: string }[]> {
    const response = await api.call('GET', `/api/load-tests/${id}/events`, {
      headers: { 'Last-Event-ID': lastId },
    });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const fields = /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/gm;
    return [...(await response.text()).matchAll(fields)].map(([, eventId, event = '', data = '']) => ({
      id: Number(eventId),
      event,
      data,
    }));
  }

  it('tells events and seconds with ascending ids, whole seconds only, and ends with the test', async () => {
    const { id } = await insertTest(databases);
    await appendLoadEvents(db(), id, [{ type: 'status', message: 'running' }]);
    await saveTimeline(db(), id, [timelinePoint(0), timelinePoint(1)]);
    const reading = read(id);
    await appendLoadEvents(db(), id, [{ type: 'control', message: 'paused', actor: 'ada' }]);
    await saveTimeline(db(), id, [timelinePoint(1, { requests: 150 }), timelinePoint(2)]);
    await appendLoadEvents(db(), id, [{ type: 'status', message: 'succeeded' }]);
    await end(id);
    const events = await reading;
    const ticks = events.filter(({ event }) => event === 'tick').map(({ data }) => JSON.parse(data));
    expect(ticks.map(({ point }) => [point.second, point.requests])).toEqual([
      [0, 100],
      [1, 150],
      [2, 100],
    ]);
    expect(events.filter(({ event }) => event !== 'tick').map(({ event }) => event)).toEqual([
      'status',
      'control',
      'status',
    ]);
    const ids = events.map(event => event.id);
    expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
    // Who comes later is told the same in another order: what was there at once comes events first.
    const told = (of: typeof events) =>
      of
        .map(({ event, data }) => `${event} ${event === 'tick' ? JSON.parse(data).point.second : data}`)
        .sort();
    for (const [index, { id: seen }] of events.entries()) {
      expect(told(await read(id, String(seen)))).toEqual(told(events.slice(index + 1)));
    }
  });

  it('tells a retried run from its first second, also to who saw the run before', async () => {
    const test = await insertTest(databases);
    const { id } = test;
    const run = async (seconds: number[]) => {
      await appendLoadEvents(db(), id, [{ type: 'status', message: 'running' }]);
      await saveTimeline(
        db(),
        id,
        seconds.map(second => timelinePoint(second)),
      );
      await end(id);
    };
    await run([0, 1, 2]);
    const lastId = (await read(id)).at(-1)?.id ?? 0;
    await restartRun(db(), test, 1);
    await run([0, 1, 2, 3]);
    const events = await read(id, String(lastId));
    expect(events.map(({ event }) => event)).toEqual(['status', 'tick', 'tick', 'tick', 'tick']);
    const ids = events.map(event => event.id);
    expect([lastId, ...ids]).toEqual([lastId, ...ids].toSorted((a, b) => a - b));
    expect((await read(id, String(ids[1]))).map(event => event.id)).toEqual(ids.slice(2));
  });
});

describe('the results of a load test', () => {
  const anySecond = z.looseObject({ second: z.number() });
  /** Of a run that sent for 30 seconds, and then waited for its last answers. */
  const results = async ({ waitedSeconds = 0, duration_seconds = 30 } = {}) => {
    const { id } = await insertTest(
      databases,
      loadTestConfig({ session_name: 'checkout', duration_seconds }),
    );
    const load = Array.from({ length: 30 }, (_, second) => timelinePoint(second));
    const waits = Array.from({ length: waitedSeconds }, (_, second) =>
      timelinePoint(30 + second, { requests: 0, failed: 0, endpoints: {} }),
    );
    await saveTimeline(db(), id, [...load, ...waits]);
    await end(id);
    return id;
  };

  it('are read by second and by sample, in pages', async () => {
    const id = await results();
    const sample = { shard: 0, endpoint: 'home', status: null, message: 'gone', username: null };
    await saveLoadErrors(
      db(),
      id,
      errorKinds.map((kind, index) => ({ ...sample, kind, atMs: index * 1000 })),
    );
    for (const [path, size] of [
      ['timeseries', 30],
      ['errors', errorKinds.length],
    ]) {
      const page = async (query: string) =>
        bodyOf(await api.call('GET', `/api/load-tests/${id}/${path}?${query}`), pageOf(anySecond));
      const first = await page('limit=8');
      const rest = await page(`cursor=${first.next_cursor}`);
      expect([first.items.length + rest.items.length, rest.next_cursor]).toEqual([size, null]);
      expect(rest.items[0]?.second).toBe(8);
    }
  });

  it.each([
    ['summary', 'text/plain; charset=utf-8', 'http_req_duration'],
    ['junit', 'application/xml; charset=utf-8', '<testcase'],
    ['report', 'text/html; charset=utf-8', '<svg'],
  ])('come as %s', async (path, type, content) => {
    const response = await api.call('GET', `/api/load-tests/${await results()}/${path}`);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type]);
    expect(await response.text()).toContain(content);
    if (path === 'report') {
      expect(response.headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; style-src 'sha256-/,
      );
    }
  });

  it.each([
    ['none where it ended before its start', null, 0],
    ['not known where nobody concluded it', new Date(), null],
  ])('have what was sent and not counted: %s', async (_what, startAt, interrupted) => {
    const { id } = await insertTest(databases);
    const ended = { status: 'aborted', startAt, finishedAt: new Date() } as const;
    const read = async () => (await api.call('GET', `/api/load-tests/${id}`)).json();
    expect(await read()).not.toHaveProperty('metrics.http_reqs_interrupted');
    await db().update(loadTests).set(ended).where(eq(loadTests.id, id));
    expect(await read()).toMatchObject({ metrics: { http_reqs_interrupted: interrupted } });
  });

  it('are compared once both have ended', async () => {
    const [base, head] = [await results(), await results()];
    const compare = (other: string) => api.call('GET', `/api/load-tests/compare?base=${base}&head=${other}`);
    const body = await bodyOf(await compare(head), loadComparison);
    expect(body).toMatchObject({ base, head, verdict: 'no_difference', warnings: [] });
    expect(body.figures[0]).toMatchObject({ base: 100, head: 100, seconds: { base: 28, head: 28 } });
    const { id } = await insertTest(databases);
    expect((await compare(id)).status).toBe(409);
    expect((await api.call('GET', `/api/load-tests/${id}/junit`)).status).toBe(409);
    expect((await compare(newId())).status).toBe(404);
  });

  it('are compared with a warning for one that was changed, but not for one that was stopped', async () => {
    const [base, head] = [await results(), await results()];
    const control = (message: string) => ({ type: 'control' as const, message, actor: 'ada' });
    await appendLoadEvents(db(), base, [control('stop')]);
    await appendLoadEvents(db(), head, [control('paused false → true'), control('paused true → false')]);
    const response = await api.call('GET', `/api/load-tests/compare?base=${base}&head=${head}`);
    const { warnings } = await bodyOf(response, loadComparison);
    expect(warnings).toEqual([`${head} was changed while it ran, 2 times`]);
  });

  it('are compared without the seconds in which the last answers were waited for', async () => {
    const base = await results();
    const compare = async (head: string) =>
      bodyOf(await api.call('GET', `/api/load-tests/compare?base=${base}&head=${head}`), loadComparison);
    const late = await compare(await results({ waitedSeconds: 20 }));
    expect(late.verdict).toBe('no_difference');
    expect(late.figures[0]).toMatchObject({ head: 100, seconds: { base: 28, head: 29 } });

    const stopped = await results({ waitedSeconds: 20, duration_seconds: 86_400 });
    const startAt = new Date(Date.now() - 25_000);
    await db().update(loadTests).set({ startAt, finishedAt: null }).where(eq(loadTests.id, stopped));
    await db().transaction(tx => requestStop(tx, { id: stopped, mode: 'graceful', actor: 'ada' }));
    await db().transaction(tx => requestStop(tx, { id: stopped, mode: 'emergency', actor: 'ada' }));
    await end(stopped);
    const { verdict, figures } = await compare(stopped);
    expect(verdict).toBe('no_difference');
    expect(figures[0]).toMatchObject({ head: 100, seconds: { base: 28 } });
    expect(figures[0]?.seconds.head).toBeGreaterThanOrEqual(24);
  });
});
