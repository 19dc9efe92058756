import type { z } from 'zod';
import type {
  LoadTestConfig,
  ThresholdConfig,
  UserPoolConfig,
} from '../../../../shared/contracts/load-tests.ts';
import type {
  loadTestDefinition,
  readLoadLimitsOperation,
} from '../../../../shared/http/load-test-definition.ts';
import { maxEndpoints, maxStages } from '../../../../shared/http/load-test-request.ts';
import { isArrivalRate, isRamping, loadTestBody } from '../../../../shared/http/load-test-rules.ts';
import type { ReplyOf } from '../../../../shared/http/operation.ts';
import { type SettleDeps, settleInterval } from './settle.ts';
import { settleShape } from './shape.ts';

type Definition = z.input<typeof loadTestDefinition>;

/** The request that is settled to this configuration, whatever was asked at first. */
export function definitionOf(config: LoadTestConfig): Definition {
  const {
    stages,
    rate,
    time_unit_seconds,
    duration_seconds,
    workers,
    thresholds,
    user_pool: pool,
    ...same
  } = config;
  const stagesOf = () =>
    stages.map(({ duration_seconds: seconds, target }) => ({ duration: duration(seconds), target }));
  return {
    ...same,
    ...(isRamping(config.executor) ? { stages: stagesOf() } : { duration: duration(duration_seconds) }),
    ...(isArrivalRate(config.executor) && { time_unit: duration(time_unit_seconds) }),
    ...(rate !== null && rate > 0 && { rate }),
    ...(workers !== null && { workers }),
    thresholds: thresholdsOf(thresholds),
    ...(pool && { user_pool: poolOf(pool) }),
  };
}

/** `30m`, `90s`, `1500ms`: in the largest of these units of which it is a whole number. */
function duration(seconds: number): string {
  if (!Number.isInteger(seconds)) return `${Math.round(seconds * 1000)}ms`;
  return seconds > 0 && seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}

function thresholdsOf(thresholds: readonly ThresholdConfig[]): Definition['thresholds'] {
  const byMetric = Map.groupBy(thresholds, ({ metric }) => metric);
  return Object.fromEntries([...byMetric].map(([metric, of]) => [metric, of.map(thresholdOf)]));
}

const thresholdOf = ({ expression, abort_on_fail, delay_abort_eval_seconds: delay }: ThresholdConfig) => ({
  threshold: expression,
  abort_on_fail,
  ...(delay > 0 && { delay_abort_eval: duration(delay) }),
});

const poolOf = ({ batch_id, policy, login }: UserPoolConfig) => ({
  ...(batch_id !== null && { batch_id }),
  policy,
  login: login ?? (false as const),
});

/** What is in force for a test that says nothing, and the most that one may say. */
export function limitsAndDefaults({
  limits,
  storefrontUrl,
}: SettleDeps): ReplyOf<typeof readLoadLimitsOperation>['body'] {
  const empty = loadTestBody.parse({});
  const { executor, concurrent_users, duration_seconds } = settleShape(empty, limits.users);
  return {
    limits: {
      concurrent_users: limits.users,
      rate_per_second: limits.ratePerSecond,
      duration_seconds: limits.durationSeconds,
      endpoints: maxEndpoints,
      stages: maxStages,
    },
    defaults: {
      session_name: empty.session_name,
      target_url: storefrontUrl ?? null,
      executor,
      concurrent_users,
      duration: duration(Math.min(duration_seconds, limits.durationSeconds)),
      ...settleInterval(empty),
      max_errors_per_minute: empty.max_errors_per_minute,
    },
  };
}
