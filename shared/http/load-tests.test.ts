import { faultsOf } from './faults.ts';
import { changeLoadTestOperation, createLoadTestOperation } from './load-tests.ts';

const read = (body: unknown) => createLoadTestOperation.body.safeParse(body);

/** The faults of a body, as `pointer code`. */
function faults(
  body: unknown,
  operation: typeof createLoadTestOperation | typeof changeLoadTestOperation,
): string[] {
  const parsed = operation.body.safeParse(body);
  return parsed.success ? [] : faultsOf(parsed.error, body).map(({ pointer, code }) => `${pointer} ${code}`);
}
const faultsOfTest = (body: unknown) => faults(body, createLoadTestOperation);

describe('a request for a load test', () => {
  it('may leave everything out', () => {
    expect(read({}).data).toMatchObject({ executor: 'constant-vus', max_errors_per_minute: 100 });
  });

  it('gives times as seconds and weights a method, a weight and a timeout to each endpoint', () => {
    const body = { duration: '1m30s', endpoints: [{ name: 'home', url: '/' }] };
    expect(read(body).data).toMatchObject({
      duration: 90,
      time_unit: 1,
      endpoints: [{ name: 'home', url: '/', method: 'GET', weight: 1, timeout: 30 }],
    });
  });

  it.each([
    ['1.001s', 1.001],
    ['1.005s', 1.005],
    ['0.1m', 6],
    ['999.9h', 3_599_640],
    ['1ms', 0.001],
  ])('reads %s as whole milliseconds, whatever binary fractions make of it', (text, seconds) => {
    expect(read({ duration: text }).data?.duration).toBe(seconds);
  });

  it.each([
    ['zero users', { concurrent_users: 0 }, '/concurrent_users too_small'],
    ['half a user', { concurrent_users: 1.5 }, '/concurrent_users wrong_type'],
    ['negative time', { duration_minutes: -1 }, '/duration_minutes too_small'],
    ['no time', { duration: '0s' }, '/duration invalid'],
    ['less than a millisecond', { duration: '0.4ms' }, '/duration invalid'],
    ['part of a millisecond, which would be rounded', { time_unit: '1.4ms' }, '/time_unit invalid'],
    [
      'a stage of part of a millisecond',
      { executor: 'ramping-vus', stages: [{ duration: '1.0005s', target: 1 }] },
      '/stages/0/duration invalid',
    ],
    ['hardly any minutes', { duration_minutes: 0.000001 }, '/duration_minutes too_small'],
    [
      'a timeout that nothing can meet',
      { endpoints: [{ name: 'home', url: '/', timeout: 0.0001 }] },
      '/endpoints/0/timeout too_small',
    ],
    [
      'a breaker that hardly pauses',
      { circuit_breaker: { pause_seconds: 0.01 } },
      '/circuit_breaker/pause_seconds too_small',
    ],
    ['a time that is none', { duration: '10 parsecs' }, '/duration invalid'],
    ['time twice', { duration: '30s', duration_minutes: 1 }, '/duration conflicting'],
    ['a target that is no URL', { target_url: 'storefront' }, '/target_url invalid_format'],
    ['a target of another protocol', { target_url: 'ftp://127.0.0.1/' }, '/target_url invalid_format'],
    [
      'an interval that ends before it starts',
      { request_interval_min: 5, request_interval_max: 1 },
      '/request_interval_max too_small',
    ],
    ['no endpoints', { endpoints: [] }, '/endpoints too_small'],
    [
      'an endpoint whose name every object has',
      { endpoints: [{ name: 'constructor', url: '/' }] },
      '/endpoints/0/name invalid',
    ],
    ['a negative weight', { endpoint_weights: { home: -1 } }, '/endpoint_weights/home too_small'],
    [
      'two endpoints of one name',
      { endpoints: [1, 2].map(() => ({ name: 'home', url: '/' })) },
      '/endpoints/1/name duplicate',
    ],
    [
      'a header of the connection',
      { endpoints: [{ name: 'home', url: '/', headers: { Host: 'elsewhere' } }] },
      '/endpoints/0/headers/Host invalid_key',
    ],
    [
      'a header of two lines',
      { endpoints: [{ name: 'home', url: '/', headers: { 'x-a': 'b\r\nc: d' } }] },
      '/endpoints/0/headers/x-a invalid_format',
    ],
    ['an unknown field', { users: 10 }, '/users unknown_field'],
    ['stages of a constant load', { stages: [{ duration: '1s', target: 1 }] }, '/stages not_for_executor'],
    ['a ramp without stages', { executor: 'ramping-vus' }, '/stages required'],
    ['arrivals without a rate', { executor: 'constant-arrival-rate' }, '/rate required'],
    ['a rate of users', { rate: 10 }, '/rate not_for_executor'],
    [
      'a duration beside stages',
      { executor: 'ramping-vus', stages: [{ duration: '1s', target: 1 }], duration: '1s' },
      '/duration not_for_executor',
    ],
    [
      'a threshold over no metric',
      { thresholds: { http_req_durations: ['p(95)<1'] } },
      '/thresholds/http_req_durations threshold_syntax',
    ],
    [
      'a threshold with a slip',
      { thresholds: { http_req_duration: ['avg<1', 'p(95)<'] } },
      '/thresholds/http_req_duration/1 threshold_syntax',
    ],
  ])('is refused with %s', (_what, body, fault) => {
    expect(faultsOfTest(body)).toEqual([fault]);
  });

  it('says at which column a threshold goes wrong', () => {
    const { error } = read({ thresholds: { http_req_failed: ['rate<<1'] } });
    expect(error?.issues[0]?.message).toContain('(column 6)');
  });

  it("reads thresholds in k6's spelling and in ours", () => {
    const entry = { threshold: 'rate<0.1', abortOnFail: true, delayAbortEval: '10s' };
    const ours = { threshold: 'rate<0.2', abort_on_fail: true };
    expect(read({ thresholds: { http_req_failed: [entry, ours, 'rate<0.3'] } }).data?.thresholds).toEqual([
      {
        metric: 'http_req_failed',
        expression: 'rate<0.1',
        abort_on_fail: true,
        delay_abort_eval_seconds: 10,
      },
      { metric: 'http_req_failed', expression: 'rate<0.2', abort_on_fail: true, delay_abort_eval_seconds: 0 },
      {
        metric: 'http_req_failed',
        expression: 'rate<0.3',
        abort_on_fail: false,
        delay_abort_eval_seconds: 0,
      },
    ]);
  });
});

it('a change of a load test must name something', () => {
  expect(faults({}, changeLoadTestOperation)).toEqual([' required']);
  expect(faults({ paused: true, rate: null }, changeLoadTestOperation)).toEqual([]);
  expect(faults({ concurrent_users: 0 }, changeLoadTestOperation)).toEqual(['/concurrent_users too_small']);
});
