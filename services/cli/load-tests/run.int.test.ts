import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { loadConfig } from '../../../shared/platform/config.ts';
import { initialControl } from '../../../shared/store/load-tests/load-tests.ts';
import { endedTest, noTrend, timelinePoint } from '../../../test/fixtures/load-results.ts';
import { loadTestConfig } from '../../../test/fixtures/load-test.ts';
import { runCli } from '../program.ts';
import { answer, startTinyApi } from '../testing/tiny-api.ts';

let api: Awaited<ReturnType<typeof startTinyApi>>;
afterEach(() => api.stop());

async function run(...args: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const config = loadConfig({ API: api.url, MUSTER_API_KEY: 'key-of-the-test-0123' });
  const signal = new AbortController().signal;
  const code = await runCli({ config, stdout, stderr, signal }, ['load-tests', ...args]);
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

/** A load test as the API answers it. */
function testOf(status: string, more: object = {}) {
  const { id, jobId: job_id, metrics } = endedTest();
  const config = loadTestConfig();
  return {
    ...{
      id,
      job_id,
      status,
      degraded: false,
      reason: null,
      config,
      control: initialControl(config),
      metrics,
    },
    ...{ created_at: '2026-01-31T12:00:00Z', started_at: null, finished_at: null, active_users: 0 },
    ...{ thresholds: [], degraded_because: [], endpoints: {}, shards: [], ...more },
  };
}

describe('muster load-tests run', () => {
  it('submits what its options say', async () => {
    api = await startTinyApi({
      'POST /api/load-tests': (_, response) => answer(response, testOf('queued'), 202),
    });
    const options =
      '--target http://127.0.0.1:1 --name sale --stage 30s:50 --stage 1m:0 --interval 0.5:2 --max-errors-per-minute 0';
    const thresholds = [
      '--threshold',
      'http_req_duration{name:a}:p(95)<5',
      '--threshold',
      'http_reqs:count>1',
    ];
    const { code, out } = await run('run', ...options.split(' '), ...thresholds);
    expect([code, out]).toEqual([0, expect.stringContaining('load-tests follow')]);
    expect(JSON.parse(api.requests[0]?.body ?? '')).toEqual({
      executor: 'ramping-vus',
      target_url: 'http://127.0.0.1:1',
      session_name: 'sale',
      stages: [
        { duration: '30s', target: 50 },
        { duration: '1m', target: 0 },
      ],
      request_interval_min: 0.5,
      request_interval_max: 2,
      max_errors_per_minute: 0,
      thresholds: { 'http_req_duration{name:a}': ['p(95)<5'], http_reqs: ['count>1'] },
    });
  });

  it('follows with a line of figures, prints the summary, and fails with the test', async () => {
    const queued = testOf('queued');
    const self = `/api/load-tests/${queued.id}`;
    const tick = { status: 'running', point: timelinePoint(0), metrics: queued.metrics };
    api = await startTinyApi({
      'POST /api/load-tests': (_, response) => answer(response, queued, 202),
      [`GET ${self}/events`]: (_, response) =>
        void response.end(`id: 1\nevent: tick\ndata: ${JSON.stringify(tick)}\n\n`),
      [`GET ${self}`]: (_, response) => answer(response, { ...queued, status: 'failed' }),
      [`GET ${self}/summary`]: (_, response) => void response.end('the summary\n'),
    });
    const { code, out, err } = await run('run', '--rate', '10', '--follow');
    expect([code, out]).toEqual([5, 'the summary\n']);
    expect(err).toContain(`${api.url}/dashboard#/load-tests/${queued.id}\n`); // known before it ends
    expect(err).toContain('0:00  running  4 users  100/s  p95 50.0 ms  failed 1.00 %');
  });

  it('says what a change asks for, and not the figures from before it', async () => {
    const test = testOf('running');
    api = await startTinyApi({
      [`PATCH /api/load-tests/${test.id}`]: (_, response) => answer(response, test),
    });
    const { code, out } = await run('change', test.id, '--users', '20', '--pause');
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/^Asked for: 20 users, a pause\. .*\n.*load-tests status/),
    ]);
    expect(JSON.parse(api.requests[0]?.body ?? '')).toEqual({ concurrent_users: 20, paused: true });
  });

  it('refuses a change of nothing, and a pause that is none', async () => {
    api = await startTinyApi({});
    const { code, err } = await run('change', testOf('running').id);
    expect([code, err]).toEqual([2, expect.stringContaining('--users, --rate, --pause or --resume')]);
    expect((await run('change', testOf('running').id, '--pause', '--resume')).code).toBe(2);
    expect(api.requests).toEqual([]);
  });

  it('says of a degraded test what cost it load', async () => {
    const why = 'at 12s, shard 1: w1 went silent';
    const test = testOf('succeeded', { degraded: true, degraded_because: [why] });
    api = await startTinyApi({
      [`GET /api/load-tests/${test.id}`]: (_, response) => answer(response, test),
    });
    expect((await run('status', test.id)).out).toContain(`  degraded  ${why}\n`);
  });

  it('says of a test without a single answer that nothing was measured, not 0 ms', async () => {
    const test = testOf('failed');
    const metrics = { ...test.metrics, http_req_duration: noTrend };
    api = await startTinyApi({
      [`GET /api/load-tests/${test.id}`]: (_, response) => answer(response, { ...test, metrics }),
      'GET /api/load-tests': (_, response) =>
        answer(response, { items: [{ ...test, metrics }], next_cursor: null }),
    });
    expect((await run('status', test.id)).out).toMatch(/duration +nothing measured/);
    expect((await run('list')).out).toMatch(/failed +1,000 +- +1\.00 %/);
  });

  it('refuses options that say nothing it could send', async () => {
    api = await startTinyApi({});
    for (const option of ['--stage=30s', '--interval=1', '--threshold=p(95)<5', '--rate=0', '--users=0']) {
      expect((await run('run', option)).code).toBe(2);
    }
    const nowhere = join(tmpdir(), 'no-such-folder', 'junit.xml');
    for (const file of [nowhere, tmpdir()]) expect((await run('run', `--junit=${file}`)).code).toBe(2);
    expect(api.requests).toEqual([]);
  });
});
