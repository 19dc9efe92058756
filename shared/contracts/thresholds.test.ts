import fc from 'fast-check';
import type { EndpointMetrics, LoadMetrics } from './load-metrics.ts';
import { judge, type Measured } from './threshold-judge.ts';
import { parseThreshold } from './thresholds.ts';

const trend = { avg: 20, min: 1, med: 10, max: 90, 'p(90)': 40, 'p(95)': 50, 'p(99)': 80 };
const home: EndpointMetrics = {
  http_reqs: { count: 200, rate: 20 },
  http_req_duration: trend,
  http_req_response_time: { ...trend, max: 300 },
  http_req_failed: { rate: 0.05, passes: 10, fails: 190 },
  errors: { timeout: 10 },
  statuses: { 200: 190 },
  data_received: 1000,
  data_sent: 500,
};
const metrics: LoadMetrics = {
  ...home,
  vus: 5,
  vus_max: 10,
  iterations: { count: 200, rate: 20 },
  dropped_iterations: 30,
  login_duration: { ...trend, med: 250 },
};
const measured: Measured = {
  metrics,
  endpoints: { home },
  vus: 5,
  seconds: 10,
  percentile: (_metric, endpoint, percentile) => (endpoint === 'nobody' ? null : percentile),
};
const judged = (metric: string, expression: string, of = measured) =>
  judge({ metric, expression, abort_on_fail: false, delay_abort_eval_seconds: 0 }, of);

describe('a threshold', () => {
  it.each([
    ['http_req_duration', 'p(95)<500', true, 95],
    ['http_req_duration', 'p(99.9) <= 99.8', false, 99.9],
    ['http_req_duration{name:home}', 'avg < 20', false, 20],
    ['http_req_response_time{name: "home"}', 'max>=300', true, 300],
    ['http_req_failed', 'rate<0.01', false, 0.05],
    ['http_reqs', 'count > 100', true, 200],
    ['http_reqs{name:home}', 'rate===20', true, 20],
    ['dropped_iterations', 'rate < 3', false, 3],
    ['data_sent', 'count!=500', false, 500],
    ['vus', 'value >= 5', true, 5],
    ['login_duration', 'med < 250', false, 250],
    ['login_duration', 'p(95) < 96', true, 95],
  ])('%s %s is judged', (metric, expression, ok, actual) => {
    expect(judged(metric, expression)).toEqual({ metric, expression, ok, actual });
  });

  it('does not hold where nothing was measured', () => {
    expect(judged('http_req_duration{name:nobody}', 'p(95)<500')).toMatchObject({ ok: false, actual: null });
    expect(judged('http_reqs{name:nobody}', 'count<1')).toMatchObject({ ok: false, actual: null });
    expect(judged('vus', 'value<1', { ...measured, vus: null })).toMatchObject({ ok: false, actual: null });
    const withoutLogins: Measured = { ...measured, percentile: () => null };
    expect(judged('login_duration', 'avg<1', withoutLogins)).toMatchObject({ ok: false, actual: null });
  });

  it.each([
    ['http_req_durations', 'p(95)<500', 'metric', 1, 'http_req_duration'],
    ['http_req_duration{tag:x}', 'p(95)<500', 'metric', 18, '{name:ENDPOINT}'],
    ['iterations{name:home}', 'count>1', 'metric', 11, 'the whole test'],
    ['login_duration{name:home}', 'avg<1', 'metric', 15, 'the whole test'],
    ['http_req_duration', 'p(95<500', 'expression', 5, 'in place of )'],
    ['http_req_duration', 'p(950)<500', 'expression', 3, '0 to 100'],
    ['http_req_duration', 'rate<500', 'expression', 1, 'avg, min, med, max, p(N)'],
    ['http_req_duration', 'avg=<500', 'expression', 4, 'a comparison'],
    ['http_req_duration', 'avg<500ms', 'expression', 8, 'no unit'],
    ['http_req_failed', 'rate<', 'expression', 6, 'a number'],
    ['http_req_failed', '', 'expression', 1, 'one of rate'],
  ])('%s %s is refused with its place and what would fit', (metric, expression, part, column, hint) => {
    const { fault } = parseThreshold(metric, expression);
    expect(fault).toMatchObject({ part, column });
    expect(fault?.message).toContain(hint);
  });

  it('is read as it was written, whatever the white space', () => {
    const space = fc.stringMatching(/^[ \t]{0,3}$/);
    const limit = fc.float({ min: 0, max: 10_000, noNaN: true }).map(value => Number(value.toFixed(3)));
    const comparison = fc.constantFrom('<', '<=', '>', '>=', '==', '===', '!=');
    fc.assert(
      fc.property(space, space, comparison, limit, fc.nat(100), (before, after, sign, number, percentile) => {
        const text = `${before}p(${percentile})${after}${sign}${before}${number}${after}`;
        expect(parseThreshold('http_req_duration', text).threshold).toEqual({
          metric: 'http_req_duration',
          endpoint: null,
          aggregate: { percentile },
          comparison: sign,
          limit: number,
        });
      }),
    );
  });

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (metric, expression) => {
        expect(parseThreshold(metric, expression).fault?.column ?? 1).toBeGreaterThan(0);
        expect(parseThreshold('vus', expression)).toBeDefined();
      }),
    );
  });
});
