import { randomInt } from 'node:crypto';
import { defaultLogin } from '../../../../shared/contracts/account-sessions.ts';
import type { LoadTestConfig, UserPoolConfig } from '../../../../shared/contracts/load-tests.ts';
import { parseThreshold } from '../../../../shared/contracts/thresholds.ts';
import { lookWith, pointerTo, refused } from '../../../../shared/http/faults.ts';
import type { EndpointRequest } from '../../../../shared/http/load-endpoint-request.ts';
import type { LoadTestBody } from '../../../../shared/http/load-test-rules.ts';
import type { Fault } from '../../../../shared/kernel/errors.ts';
import { findTarget, type Target, type TargetRules, targetUrlOf } from '../../target.ts';
import { fetchCatalogue, settleEndpoints, unknownEndpoint } from './endpoints.ts';
import { faultsOfLimits, type LoadLimits } from './limits.ts';
import { settleShape } from './shape.ts';

export interface SettleDeps extends TargetRules {
  limits: LoadLimits;
}

/** A request with everything filled in that it left open; refused with all of its faults that are left to see. */
export async function settleRequest(deps: SettleDeps, body: LoadTestBody): Promise<LoadTestConfig> {
  const targetUrl = targetUrlOf(body, deps);
  const shape = settleShape(body, deps.limits.users);
  const durationField = body.duration_minutes === undefined ? 'duration' : 'duration_minutes';
  const limited = faultsOfLimits(deps.limits, shape, durationField);
  const settled = body.endpoints && settleEndpointsOf(body, new URL(targetUrl), body.endpoints);
  const seen = [...limited, ...(settled?.faults ?? [])];
  const target = await lookWith(seen, () => findTarget(targetUrl, deps));
  const { endpoints, faults } = settled ?? (await settleCatalogue(body, target));
  if (faults.length > 0) throw refused(faults);
  return {
    ...shape,
    ...settleInterval(body),
    session_name: body.session_name,
    target_url: target.url.href,
    endpoints,
    thresholds: body.thresholds,
    max_errors_per_minute: body.max_errors_per_minute,
    circuit_breaker: body.circuit_breaker,
    load_reduction: body.load_reduction,
    workers: body.workers ?? null,
    enable_logging: body.enable_logging,
    seed: body.seed ?? randomInt(2 ** 32),
    ...(body.user_pool !== undefined && { user_pool: settlePool(body.user_pool) }),
  };
}

/** The endpoints of the request or of its target, and what is wrong with the parts that speak of them. */
function settleEndpointsOf(body: LoadTestBody, target: URL, given: readonly EndpointRequest[]) {
  const { endpoints, faults } = settleEndpoints(target, given, body.endpoint_weights);
  return { endpoints, faults: [...faults, ...faultsOfThresholds(body, given)] };
}

const settleCatalogue = async (body: LoadTestBody, target: Target) =>
  settleEndpointsOf(
    body,
    target.url,
    await fetchCatalogue(target, { loggedIn: body.user_pool !== undefined }),
  );

function settlePool({ batch_id, policy, login = defaultLogin }: UserPoolBody): UserPoolConfig {
  return { batch_id: batch_id ?? null, policy, login: login === false ? null : login };
}
type UserPoolBody = NonNullable<LoadTestBody['user_pool']>;

const defaultInterval = { min: 1, max: 5 };

/** The end that was left out gives way to the one that was given. */
export function settleInterval({
  request_interval_min: min,
  request_interval_max: max,
}: Pick<LoadTestBody, 'request_interval_min' | 'request_interval_max'>): Pick<
  LoadTestConfig,
  'request_interval_min' | 'request_interval_max'
> {
  return {
    request_interval_min: min ?? Math.min(defaultInterval.min, max ?? defaultInterval.max),
    request_interval_max: max ?? Math.max(defaultInterval.max, min ?? defaultInterval.min),
  };
}

/** Thresholds over endpoints that there are not, or over logins of users that log in nowhere. */
function faultsOfThresholds(
  { thresholds, user_pool: pool }: LoadTestBody,
  endpoints: readonly { name: string }[],
): Fault[] {
  const names = endpoints.map(({ name }) => name);
  const logsIn = pool !== undefined && pool.login !== false;
  const faults = new Map<string, Fault>();
  for (const { metric, expression } of thresholds) {
    const read = parseThreshold(metric, expression).threshold;
    const pointer = pointerTo(['thresholds', metric]);
    if (read?.metric === 'login_duration' && !logsIn) faults.set(metric, noLogins(pointer));
    if (read?.endpoint != null && !names.includes(read.endpoint))
      faults.set(metric, unknownEndpoint(pointer, names));
  }
  return [...faults.values()];
}

const noLogins = (pointer: string): Fault => ({
  pointer,
  code: 'no_logins',
  detail: 'is of logins, and nobody logs in: give a user_pool, and not with "login": false',
});
