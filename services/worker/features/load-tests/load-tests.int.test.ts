import { type LoadTestConfig, loadTestRun } from '../../../../shared/contracts/load-tests.ts';
import { sleep, waitFor } from '../../../../shared/kernel/time.ts';
import { findJob, requestCancel, requeueJob } from '../../../../shared/store/jobs/jobs.ts';
import { readLoadEvents } from '../../../../shared/store/load-tests/load-events.ts';
import { listLoadErrors, readTimeline } from '../../../../shared/store/load-tests/load-results.ts';
import { listShards } from '../../../../shared/store/load-tests/load-shards-conducted.ts';
import {
  changeControl,
  type LoadTestRow,
  requestStop,
} from '../../../../shared/store/load-tests/load-tests.ts';
import { listMeasuredTests } from '../../../../shared/store/load-tests/load-ticks.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';
import {
  insertTest,
  type LoggingTarget,
  startLoggingTarget,
  untilTest,
  untilTestEnded,
} from '../../../../test/fixtures/load-test.ts';
import { postgresStore } from '../../../../test/fixtures/queue.ts';
import { type RunningWorker, runWorker, testSendJournals } from '../../../../test/fixtures/worker.ts';
import { listJournaledTests } from './send-journal.ts';

const databases = testDatabases();
const db = () => databases.platform.db;
const started: { workers: RunningWorker[]; target?: LoggingTarget } = { workers: [] };
/** Three runs at once and one that waits for its slots, looked at by one test each. */
const begun: Partial<Record<'plain' | 'steered' | 'failing' | 'reduced' | 'stopped', LoadTestRow>> = {};

beforeAll(async () => {
  started.target = await startLoggingTarget();
  const start = (name: string) => runWorker(databases, postgresStore(databases), { name, loadSlots: 3 });
  started.workers = await Promise.all(['ada', 'bob'].map(start));
  begun.steered = await begin({ duration_seconds: 60, concurrent_users: 2 });
  begun.failing = await begin({
    duration_seconds: 60,
    endpoints: [endpoint('/bad')],
    max_errors_per_minute: 20,
  });
  begun.plain = await begin({ thresholds: [...['count>10', 'count<10'].map(threshold), ...hasty] });
  await untilRunning(begun.plain.id); // on both workers, before the next one asks for its slots
  begun.reduced = await begin({
    duration_seconds: 60,
    endpoints: [endpoint('/bad'), { ...endpoint('/good'), weight: 0 }],
    load_reduction: { error_rate: 0.5, factor: 0.5 },
  });
});
afterAll(async () => {
  await Promise.all(started.workers.map(worker => worker.stop()));
  await started.target?.stop();
});

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('It has not been begun');
  return value;
}
const target = (): LoggingTarget => given(started.target);
const threshold = (expression: string) => ({
  metric: 'http_reqs{name:home}',
  expression,
  abort_on_fail: false,
  delay_abort_eval_seconds: 0,
});
/** These would end a run that has not begun. */
const hasty = [
  { ...threshold('count>0'), abort_on_fail: true },
  { ...threshold('value>0'), metric: 'vus', abort_on_fail: true },
];

async function begin(config: Partial<LoadTestConfig> = {}): Promise<LoadTestRow> {
  const test = await insertTest(databases, { target_url: target().origin, ...config });
  await started.workers[0]?.queue.enqueue(loadTestRun, { job_id: test.jobId });
  return test;
}
const endpoint = (url: string) => ({ name: url.slice(1), url, method: 'GET', weight: 1, timeout: 5 });
const untilRunning = (id: string) =>
  untilTest(databases, id, 'running', ({ status }) => status === 'running');
const messagesOf = async (testId: string) =>
  (await readLoadEvents(db(), { testId, limit: 100 })).map(({ event }) => event.message);
async function retry({ id, jobId }: Pick<LoadTestRow, 'id' | 'jobId'>): Promise<LoadTestRow> {
  await requeueJob(db(), jobId);
  await started.workers[0]?.queue.reviveAll(loadTestRun, [{ job_id: jobId }]);
  const isBegunAnew = (row: LoadTestRow) => row.plannedRun === 1 && row.finishedAt !== null;
  return untilTest(databases, id, 'begun anew', isBegunAnew);
}
const jobOf = async ({ jobId }: LoadTestRow) =>
  waitFor('the end of the job', async () => {
    const job = await findJob(db(), jobId);
    return job?.finishedAt != null && job;
  });

it('a run over two workers counts what its target saw, shard by shard and second by second', async () => {
  const { id } = given(begun.plain);
  const test = await untilTestEnded(databases, id);
  const seen = target().seen(id);
  const shards = await listShards(db(), id);
  expect(shards.map(({ shard, worker, status, requests }) => ({ shard, worker, status, requests }))).toEqual(
    [0, 1].map(shard => ({
      shard,
      worker: expect.stringMatching(/ada|bob/),
      status: 'ended',
      requests: seen.filter(request => request.shard === shard).length,
    })),
  );
  expect(new Set(shards.map(({ worker }) => worker)).size).toBe(2);
  const timeline = await readTimeline(db(), { testId: id, limit: 100 });
  expect(timeline.reduce((sum, point) => sum + point.requests, 0)).toBe(seen.length);
  expect(timeline.slice(0, 3).map(({ second, shards, vus }) => ({ second, shards, vus }))).toEqual(
    [0, 1, 2].map(second => ({ second, shards: 2, vus: expect.any(Number) })),
  );
  expect(test.metrics?.http_reqs.count).toBe(seen.length);
  expect(test).toMatchObject({ status: 'failed', degraded: false, reason: { code: 'threshold_failed' } });
  expect(test.thresholds.map(({ ok, actual }) => [ok, actual])).toEqual([
    [true, seen.length],
    [false, seen.length],
    [true, seen.length],
    [true, expect.any(Number)],
  ]);
  const job = await jobOf(test);
  expect(job).toMatchObject({ status: 'failed', result: { requests: seen.length, failed: 0, duration: 3 } });
  expect(test.metrics?.http_reqs_interrupted).toBe(0);
  await waitFor('the files of what was sent to be gone', async () => {
    return !(await listJournaledTests(testSendJournals)).includes(id);
  });
  await waitFor('the ticks to be gone', async () => !(await listMeasuredTests(db())).includes(id));
});

it('a run follows what is changed, pauses and goes on, and is cancelled by its stop', async () => {
  const test = given(begun.steered);
  const { id } = test;
  const change = (patch: Parameters<typeof changeControl>[2]) =>
    db().transaction(tx => changeControl(tx, id, patch, 'eve'));
  const untilStatus = (status: string) => untilTest(databases, id, status, row => row.status === status);
  await untilRunning(id);
  await change({ concurrent_users: 9 });
  await untilTest(databases, id, 'of nine users', ({ metrics }) => metrics?.vus === 9);
  await change({ paused: true });
  await untilStatus('paused');
  const before = target().seen(id).length;
  await sleep(600); // nothing is to happen, and there is no event for that
  expect(target().seen(id)).toHaveLength(before);
  await change({ paused: false });
  await waitFor('requests after the pause', () => target().seen(id).length > before);
  await db().transaction(tx => requestStop(tx, { id, mode: 'graceful', actor: 'eve' }));
  const ended = await untilTestEnded(databases, id);
  expect(ended).toMatchObject({ status: 'aborted', reason: { code: 'stopped' }, degraded: false });
  expect(ended.metrics?.http_reqs.count).toBe(target().seen(id).length);
  expect(await jobOf(test)).toMatchObject({ status: 'cancelled', result: { status: 'aborted' } });
  expect(await messagesOf(id)).toEqual(
    expect.arrayContaining(['concurrent_users as planned → 9', 'paused', 'running', 'stop', 'aborted']),
  );
});

it('too many errors stop a run, which keeps samples of them', async () => {
  const { id } = given(begun.failing);
  const test = await untilTestEnded(databases, id);
  expect(test).toMatchObject({ status: 'aborted', reason: { code: 'error_limit' } });
  expect(test.metrics?.errors).toEqual({ http_5xx: target().seen(id).length });
  const [sample] = await listLoadErrors(db(), { testId: id, limit: 1 });
  expect(sample).toMatchObject({ endpoint: 'bad', kind: 'http_5xx', status: 500 });
  expect(await jobOf(test)).toMatchObject({ status: 'failed', error: { code: 'error_limit' } });
});

it('load is reduced while too much fails, and given back when it does not', async () => {
  const { id } = given(begun.reduced);
  const untilFactor = (factor: number) =>
    untilTest(databases, id, `a load factor of ${factor}`, ({ control }) => control.load_factor === factor);
  await untilFactor(0.5);
  await untilTest(databases, id, 'of two users', ({ metrics }) => metrics?.vus === 2);
  await db().transaction(tx => changeControl(tx, id, { endpoint_weights: { bad: 0, good: 1 } }, 'eve'));
  await untilFactor(1);
  await untilTest(databases, id, 'of four users', ({ metrics }) => metrics?.vus === 4);
  await db().transaction(tx => requestStop(tx, { id, mode: 'graceful', actor: 'eve' }));
  await untilTestEnded(databases, id);
  expect(await messagesOf(id)).toEqual(
    expect.arrayContaining([
      '100 % of requests failed: load 100 % → 50 %',
      expect.stringMatching(/^\d+ % of requests failed: load 50 % → 100 %$/),
    ]),
  );
}, 60_000);

it('an emergency stop of all runs lets no request out a second later, nor a run that waits begin', async () => {
  const running = await Promise.all([1, 2, 3].map(() => begin({ duration_seconds: 60 })));
  await Promise.all(running.map(({ id }) => untilRunning(id)));
  const waiting = await begin({ duration_seconds: 60 });
  await waitFor('a run without a slot', async () => {
    const job = await findJob(db(), waiting.jobId);
    return job?.progress?.phase === 'waiting for a slot';
  });
  const tests = [...running, waiting];
  const stopped = await db().transaction(tx => requestStop(tx, { mode: 'emergency', actor: 'eve' }));
  const answeredAt = performance.now();
  expect(stopped).toEqual(tests.map(({ id }) => id).toSorted());
  const ended = await Promise.all(tests.map(({ id }) => untilTestEnded(databases, id)));
  expect(ended.map(({ status, reason }) => [status, reason?.code])).toEqual(
    tests.map(() => ['aborted', 'emergency_stopped']),
  );
  await sleep(Math.max(0, answeredAt + 1500 - performance.now()));
  for (const { id, metrics } of ended.slice(0, running.length)) {
    const seen = target().seen(id);
    expect(seen.length).toBeGreaterThan(0);
    expect((metrics?.http_reqs.count ?? 0) + (metrics?.http_reqs_interrupted ?? 0)).toBe(seen.length);
    expect(seen.filter(({ at }) => at > answeredAt + 1000)).toEqual([]);
  }
  expect(target().seen(waiting.id)).toEqual([]);
  begun.stopped = waiting;
});

it('a run that is retried begins anew, on as many shards as there are slots for', async () => {
  const { id, jobId } = given(begun.stopped);
  await jobOf(given(begun.stopped));
  await databases.platform.sql`
    update load_tests set config = config || '{ "duration_seconds": 1, "workers": 9 }' where id = ${id}`;
  const again = await retry({ id, jobId });
  expect(again).toMatchObject({ status: 'succeeded', reason: null, control: { stop: null } });
  const messages = await messagesOf(id);
  expect(messages).toContainEqual(expect.stringContaining('6 of 9 shards'));
  expect(messages).not.toContain('aborted');
});

it('a worker that stops hands its shard over, with all that it counted', async () => {
  const cyd = await runWorker(databases, postgresStore(databases), { name: 'cyd' });
  const { id, jobId } = await begin({ workers: 3, duration_seconds: 60 });
  await untilRunning(id);
  const before = await listShards(db(), id);
  expect(before.map(({ worker }) => worker)).toContain('cyd');
  await cyd.stop();
  const handed = before.findIndex(({ worker }) => worker === 'cyd');
  const isAgainSeen = () =>
    target()
      .seen(id)
      .some(({ shard, epoch }) => shard === handed && epoch === 2);
  await waitFor('requests of the worker that goes on', isAgainSeen);
  await requestCancel(db(), jobId);

  const test = await untilTestEnded(databases, id);
  expect(test).toMatchObject({ status: 'aborted', reason: { code: 'stopped' }, degraded: true });
  expect(test.metrics?.http_reqs.count).toBe(target().seen(id).length);
  const after = await listShards(db(), id);
  expect(after.map(({ epoch }) => epoch)).toEqual(before.map((_, shard) => (shard === handed ? 2 : 1)));
  expect(await messagesOf(id)).toContain('cyd stops and hands its shard over');
});

it('a test that was cancelled before a worker had it is concluded, and runs when it is retried', async () => {
  const test = await insertTest(databases, { target_url: target().origin, duration_seconds: 1 });
  await requestCancel(db(), test.jobId);
  expect(await untilTestEnded(databases, test.id)).toMatchObject({ status: 'aborted', plannedRun: -1 });
  expect(await retry(test)).toMatchObject({ status: 'succeeded', reason: null });
  expect(target().seen(test.id).length).toBeGreaterThan(0);
});
