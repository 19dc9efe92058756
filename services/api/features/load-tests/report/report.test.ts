import { createHash } from 'node:crypto';
import type { LoadEvent } from '../../../../../shared/contracts/load-tests.ts';
import {
  endedTest,
  endpointMetrics,
  noTrend,
  timelinePoint,
} from '../../../../../test/fixtures/load-results.ts';
import { loadTestConfig } from '../../../../../test/fixtures/load-test.ts';
import { createFold } from './fold.ts';
import { marksOf } from './marks.ts';
import type { ReportContent } from './page.ts';
import { createReporter } from './report.ts';
import { ticksTo, timeTicks } from './scale.ts';

const seconds = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

function fold(
  points: ReturnType<typeof timelinePoint>[],
  planned = points.length,
  options: Parameters<typeof createFold>[1] = {},
) {
  const folding = createFold(planned, options);
  for (const point of points) folding.add(point);
  return folding.end();
}

const event = (type: LoadEvent['type'], second: number | null, message: string): LoadEvent => ({
  type,
  at: '2026-01-31T12:00:00Z',
  second,
  message,
  shard: null,
  actor: null,
});

const content = (changes: Partial<ReportContent> = {}): ReportContent => ({
  row: endedTest(),
  shards: [],
  events: [],
  eventCounts: { all: 0, silences: 0, saturations: 0 },
  errors: [],
  folded: fold(seconds(0, 10).map(second => timelinePoint(second))),
  ...changes,
});

const { render, headers } = createReporter();

describe('the report', () => {
  it('is harmless whatever things are called', () => {
    const evil = `</script><script>alert(1)</script>"'><img src=x onerror=alert(2)>`;
    const config = loadTestConfig({
      session_name: evil,
      endpoints: [{ name: evil, url: '/', method: 'GET', weight: 1, timeout: 5 }],
    });
    const row = endedTest({ config, reason: { code: evil, message: evil } });
    const error = { id: 1, loadTestId: row.id, shard: 0, atMs: 1, status: null, username: evil };
    const page = render(
      content({
        row: { ...row, endpoints: { [evil]: endpointMetrics(10, 0) } },
        events: [event('control', 3, evil)],
        errors: [{ ...error, endpoint: evil, kind: evil, message: evil }],
      }),
    );
    expect(page).toContain('&lt;/script&gt;&lt;script&gt;alert(1)');
    expect(page.match(/<script/g)).toHaveLength(2); // the figures and its own
    expect(page).not.toContain('<img');
  });

  it('loads nothing, and allows only the style and the script that are in it', () => {
    const page = render(content());
    expect(page).not.toMatch(/(src|href)="|url\(|@import/);
    const policy = headers['Content-Security-Policy'] ?? '';
    for (const tag of ['style', 'script']) {
      const [, own = ''] = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(page) ?? [];
      expect(policy).toContain(`'sha256-${createHash('sha256').update(own).digest('base64')}'`);
    }
    expect(policy).toContain("default-src 'none'");
  });

  it('hides what headers hold, since reports are passed on', () => {
    const headers = { authorization: 'Bearer s3cret' };
    const endpoints = [{ name: 'home', url: '/', method: 'GET', weight: 1, timeout: 5, headers }];
    const page = render(content({ row: endedTest({ config: loadTestConfig({ endpoints }) }) }));
    expect(page).toContain('authorization');
    expect(page).not.toContain('s3cret');
  });

  it('shows messages of every kind of error, however common another kind is', () => {
    const row = endedTest();
    const errors = { http_4xx: 90, timeout: 1 };
    const sample = {
      loadTestId: row.id,
      shard: 0,
      atMs: 1000,
      endpoint: 'home',
      status: null,
      username: null,
    };
    const samples = Array.from({ length: 20 }, (_, id) => ({
      ...sample,
      id,
      kind: 'http_4xx',
      message: `GET /${id} answered 404`,
    }));
    const late = { ...sample, id: 20, kind: 'timeout', message: 'No whole answer within 5 s' };
    const page = render(
      content({
        row: { ...row, metrics: row.metrics && { ...row.metrics, errors } },
        errors: [...samples, late],
      }),
    );
    expect(page).toContain(late.message);
    expect(page.match(/answered 404/g)).toHaveLength(4);
  });

  it('says when an error came first, in whichever order the shards told of it', () => {
    const row = endedTest();
    const sample = { loadTestId: row.id, shard: 0, endpoint: 'home', status: 503, username: null };
    const errors = [7000, 3000, 9000].map((atMs, id) => ({
      ...sample,
      ...{ id, atMs, kind: 'http_5xx', message: 'answered 503' },
    }));
    expect(render(content({ row, errors }))).toMatch(/answered 503<.*?0:03<.*?3</);
  });

  it('has no times where no request had an answer, and none of 0 ms', () => {
    const none = { http_req_duration: noTrend, http_req_response_time: noTrend };
    const row = endedTest({ endpoints: { home: { ...endpointMetrics(10, 10), ...none } } });
    const points = seconds(0, 10).map(second =>
      timelinePoint(second, { http_req_duration: null, http_req_response_time: null }),
    );
    const page = render(
      content({ row: { ...row, metrics: row.metrics && { ...row.metrics, ...none } }, folded: fold(points) }),
    );
    expect(page).not.toContain('0ms');
    expect(page).toContain('<p class="figure">–</p>');
    expect(page).toContain('no request had an answer');
    expect(page).not.toContain('the times are the same');
  });

  it('says how much was sent that nobody counted', () => {
    const row = endedTest();
    const page = (http_reqs_interrupted: number) =>
      render(content({ row: { ...row, metrics: row.metrics && { ...row.metrics, http_reqs_interrupted } } }));
    const more = /26 more requests were sent than the\s+1,000 that are counted here/;
    expect(page(26)).toMatch(more);
    expect(page(1)).toContain('1 more request was sent');
    expect(page(0)).not.toContain('sent than the');
  });

  it('says how much it may be where that is not known, unless the worker handed over', () => {
    const unknown = 'may have reached the target and be in no figure here';
    const eventCounts = { all: 500, silences: 2, saturations: 0 };
    const row = endedTest();
    const silent = { ...row, metrics: row.metrics && { ...row.metrics, http_reqs_interrupted: null } };
    expect(render(content({ row: silent, eventCounts }))).toMatch(
      new RegExp(`up to about\\s+200 requests ${unknown}`),
    );
    expect(render(content())).not.toContain(unknown);
  });

  it('says first when the generator was the limit', () => {
    const limit = 'The generator was the limit';
    expect(render(content({ eventCounts: { all: 500, silences: 0, saturations: 1 } }))).toContain(limit);
    expect(render(content())).not.toContain(limit);
  });

  it('shows a test that measured nothing', () => {
    const page = render(content({ row: endedTest({ metrics: null, endpoints: {} }), folded: fold([]) }));
    expect(page).toContain('Nothing was measured.');
  });
});

describe('the time line of a report', () => {
  it('shows where a shard was missing, but for the end', () => {
    const present = [...seconds(0, 3), ...seconds(5, 10)].map(second =>
      timelinePoint(second, second === 6 || second === 9 ? { shards: 1 } : {}),
    );
    expect(fold(present).gaps).toEqual([
      { from: 3, to: 5 },
      { from: 6, to: 7 },
    ]);
  });

  it('ends with a gap when a run ended before its schedule and nobody stopped it', () => {
    const early = seconds(0, 4).map(second => timelinePoint(second));
    const { gaps, spanSeconds } = fold(early, 10);
    expect({ gaps, spanSeconds }).toEqual({ gaps: [{ from: 4, to: 10 }], spanSeconds: 10 });
    expect(fold(early, 4.9).gaps).toEqual([]);
    expect(fold(early, 10, { cutShortAt: 4 })).toMatchObject({ gaps: [], spanSeconds: 4 });
  });

  it('shows each second of a day that was stopped after a minute', () => {
    const points = seconds(0, 60).map(second => timelinePoint(second));
    const { stepSeconds, steps } = fold(points, 86_400, { cutShortAt: 60 });
    expect([stepSeconds, steps.length]).toEqual([1, 60]);
  });

  it('folds long runs: average rates, highest percentiles, a bounded number of steps', () => {
    const points = seconds(0, 3600).map(second => timelinePoint(second, { requests: second % 6 }));
    const { steps, stepSeconds, spanSeconds } = fold(points);
    expect([steps.length, stepSeconds, spanSeconds]).toEqual([600, 6, 3600]);
    expect(steps[0]).toMatchObject({ second: 0, requests: 2.5, errors: { http_5xx: 1 }, p95: 50 });
  });

  it('marks events with the numbers that they have in the table, close ones under one sign', () => {
    const events = [
      event('status', 0, 'running'),
      event('control', 10, 'paused'),
      event('shard_lost', 10.5, 'worker-2 went silent'),
      event('breaker_opened', 60, 'open'),
      event('control', null, 'before the start'),
    ];
    expect(marksOf(events, 100)).toEqual([
      { second: 10, label: '2-3', tone: 'serious', title: 'paused\nworker-2 went silent' },
      { second: 60, label: '4', tone: 'warning', title: 'open' },
    ]);
  });

  it('has round ticks that reach the highest figure', () => {
    expect(ticksTo(437)).toEqual([0, 200, 400, 600]);
    expect(ticksTo(0.07)).toEqual([0, 0.02, 0.04, 0.06, 0.08]);
    expect(ticksTo(0)).toEqual([0, 1]);
    expect(timeTicks(45)).toEqual([0, 5, 10, 15, 20, 25, 30, 35, 40, 45]);
  });
});
