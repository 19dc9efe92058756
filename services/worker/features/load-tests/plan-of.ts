import type {
  EndpointConfig,
  LoadTestConfig,
  LoadTestControl,
} from '../../../../shared/contracts/load-tests.ts';
import { readVersion } from '../../../../shared/platform/version.ts';
import type { TakenShard } from '../../../../shared/store/load-tests/load-shards.ts';
import type { EngineControl, EngineEndpoint, EnginePlan, Executor, Stage } from './engine/plan.ts';

/** What a worker allows its engines. */
export interface EngineLimits {
  /** Host names, addresses and CIDRs that may be hit. */
  allowlist: string[];
  /** Connections of one shard. */
  maxConnections: number;
}

/** k6's default. */
export const gracefulStopMs = 30_000;
const ms = (seconds: number): number => Math.round(seconds * 1000);

/** The engine's plan of one shard: seconds become milliseconds. */
export function planOf({ config, ...shard }: TakenShard, limits: EngineLimits): EnginePlan {
  const { circuit_breaker: breaker } = config;
  return {
    ...limits,
    origin: new URL(config.target_url).origin,
    endpoints: config.endpoints.map(endpoint => endpointOf(endpoint, config.target_url)),
    executor: executorOf(config),
    thinkTime: { minMs: ms(config.request_interval_min), maxMs: ms(config.request_interval_max) },
    share: { index: shard.shard, count: shard.shards },
    // The target's access log can be held against our figures: which shard, and under whose lease.
    userAgent: `muster/${readVersion()} (run ${shard.testId}; shard ${shard.shard}.${shard.epoch})`,
    ...(breaker && {
      breaker: { consecutiveErrors: breaker.consecutive_errors, pauseMs: ms(breaker.pause_seconds) },
    }),
    seed: (config.seed + shard.shard * 1009 + shard.epoch) % 2 ** 32, // no two choose alike
    gracefulStopMs,
    keepErrorSamples: config.enable_logging,
  };
}

function endpointOf({ name, url, method, weight, timeout, headers, body }: EndpointConfig, target: string) {
  const { href } = new URL(url, target);
  const endpoint: EngineEndpoint = { name, url: href, method, weight, timeoutMs: ms(timeout) };
  if (headers !== undefined) endpoint.headers = headers;
  if (body !== undefined) endpoint.body = body;
  return endpoint;
}

function executorOf(config: LoadTestConfig): Executor {
  const { executor: type, concurrent_users: users, rate } = config;
  const [durationMs, timeUnitMs] = [ms(config.duration_seconds), ms(config.time_unit_seconds)];
  const stages = config.stages.map(
    ({ duration_seconds, target }): Stage => ({ durationMs: ms(duration_seconds), target }),
  );
  switch (type) {
    case 'constant-vus':
      return { type, vus: users, durationMs };
    case 'ramping-vus':
      return { type, startVus: users, stages };
    case 'constant-arrival-rate':
      return { type, rate: rate ?? 0, timeUnitMs, durationMs, maxVus: users };
    case 'ramping-arrival-rate':
      return { type, startRate: rate ?? 0, timeUnitMs, stages, maxVus: users };
  }
}

/** How long the load of a test is planned to last. */
export const scheduleMsOf = ({ executor, stages, duration_seconds }: LoadTestConfig): number =>
  executor.startsWith('ramping-')
    ? stages.reduce((sum, stage) => sum + ms(stage.duration_seconds), 0)
    : ms(duration_seconds);

/** What is in force, for an engine. */
export const engineControlOf = (control: LoadTestControl): EngineControl => ({
  paused: control.paused,
  vus: control.concurrent_users,
  rate: control.rate,
  loadFactor: control.load_factor,
  weights: control.endpoint_weights,
  thinkTime: { minMs: ms(control.request_interval_min), maxMs: ms(control.request_interval_max) },
});
