import type { LoadTestConfig } from '../../../../shared/contracts/load-tests.ts';
import { loadTestDefinition } from '../../../../shared/http/load-test-definition.ts';
import { loadTestBody } from '../../../../shared/http/load-test-rules.ts';
import { parseAllowlist } from '../../../../shared/kernel/allowlist.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import { definitionOf, limitsAndDefaults } from './definition.ts';
import { settleRequest } from './settle.ts';

const deps = {
  allowlist: parseAllowlist(['127.0.0.1']).allowlist,
  storefrontUrl: 'http://127.0.0.1:1/',
  limits: { users: 1000, ratePerSecond: 1000, durationSeconds: 1800 },
};
const settle = (body: unknown): Promise<LoadTestConfig> => settleRequest(deps, loadTestBody.parse(body));
const endpoints = [
  { name: 'home', url: '/?a=1', weight: 0.5, timeout: 1.5, description: 'Home' },
  { name: 'buy', url: 'http://127.0.0.1:1/buy', method: 'POST', body: { n: [1] }, headers: { 'X-Key': 's' } },
];

describe('the definition of a load test', () => {
  it.each<[string, object]>([
    ['what it is when it says nothing', {}],
    ['users for a time', { concurrent_users: 7, duration: '1m0.5s', request_interval_max: 0.2, seed: 1 }],
    ['a ramp of users', { executor: 'ramping-vus', stages: [{ duration: '250ms', target: 5 }] }],
    ['arrivals', { executor: 'constant-arrival-rate', rate: 90, time_unit: '1m', duration_minutes: 0.5 }],
    ['a ramp of arrivals', { executor: 'ramping-arrival-rate', stages: [{ duration: '1m', target: 9.5 }] }],
    ['accounts of a batch', { user_pool: { batch_id: newId(), policy: 'shared' }, workers: 2 }],
    ['accounts with sessions', { user_pool: { login: false }, enable_logging: false }],
    [
      'thresholds and limits',
      {
        thresholds: {
          'http_req_duration{name:home}': ['p(95)<500', { threshold: 'max<9', abort_on_fail: true }],
          http_reqs: [{ threshold: 'count>1', abortOnFail: true, delayAbortEval: '1.5s' }],
        },
        circuit_breaker: { consecutive_errors: 3 },
        load_reduction: {},
        endpoint_weights: { buy: 3 },
      },
    ],
  ])('starts the same again: %s', async (_what, body) => {
    const config = await settle({ endpoints, ...body });
    const definition = definitionOf(config);
    expect(loadTestDefinition.strict().parse(definition)).toEqual(definition);
    expect(await settle(definition)).toEqual(config);
  });

  it('is refused in nothing where it is made of the defaults alone', async () => {
    const { limits, defaults } = limitsAndDefaults({
      ...deps,
      limits: { ...deps.limits, durationSeconds: 1200 },
    });
    expect(limits).toMatchObject({ concurrent_users: 1000, rate_per_second: 1000, duration_seconds: 1200 });
    expect(defaults).toMatchObject({ concurrent_users: 10, duration: '20m', request_interval_max: 5 });
    expect(await settle({ ...defaults, endpoints })).toMatchObject({ duration_seconds: 1200 });
  });
});
