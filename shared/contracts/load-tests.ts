import { z } from 'zod';
import { loginSchema } from './account-sessions.ts';
import { defineJob, type Outcome } from './job.ts';

/**
 * A load test: one job a run (the conductor: reserves slots, merges what the shards report, judges thresholds and
 * error limits, keeps the timeline, concludes), and one shard a worker. Shards are rows with a lease, not queue tasks:
 * each is placed on a worker of its own, and taken over within seconds when that worker goes silent.
 *
 *   queued ──► starting ──► running ◄──► paused ──► stopping ──► succeeded | failed | aborted
 *
 * `failed`: a threshold does not hold, no shard could run, or most of the load was not delivered. `aborted`: somebody or
 * a limit stopped it. `degraded` says that less load was delivered than asked: a shard died, came late or was cut off.
 */
export const loadTestStatuses = [
  'queued',
  'starting',
  'running',
  'paused',
  'stopping',
  'succeeded',
  'failed',
  'aborted',
] as const;
export type LoadTestStatus = (typeof loadTestStatuses)[number];
export const endedLoadTestStatuses = ['succeeded', 'failed', 'aborted'] as const satisfies LoadTestStatus[];

export const executorTypes = [
  'constant-vus',
  'ramping-vus',
  'constant-arrival-rate',
  'ramping-arrival-rate',
] as const;

const count = z.int().min(0);

/** One endpoint of a test in force: every default filled in. Times in seconds, as on the wire. */
const endpointConfigSchema = z.object({
  name: z.string(),
  url: z.string(),
  method: z.string(),
  weight: z.number(),
  timeout: z.number(),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.string().optional(),
  description: z.string().optional(),
});
export type EndpointConfig = z.infer<typeof endpointConfigSchema>;

const thresholdConfigSchema = z.object({
  /** With its selector, as written: `http_req_duration{name:home}`. */
  metric: z.string(),
  expression: z.string(),
  abort_on_fail: z.boolean(),
  delay_abort_eval_seconds: z.number(),
});
export type ThresholdConfig = z.infer<typeof thresholdConfigSchema>;

export const poolPolicies = ['unique', 'round_robin', 'shared'] as const;

/** Where the accounts of a run's users come from. */
const userPoolConfigSchema = z.object({
  /** Null: all accounts. */
  batch_id: z.uuid().nullable(),
  /**
   * `unique`: an account a user, and nobody else has it. `round_robin`: the users take turns over the accounts, which
   * are this run's alone. `shared`: any account, which other runs may use too.
   */
  policy: z.enum(poolPolicies),
  /** How accounts without a session log in; null: they do not, and accounts without a session are not taken. */
  login: loginSchema.nullable(),
});
export type UserPoolConfig = z.infer<typeof userPoolConfigSchema>;

/** A test's configuration as it is kept. What is secret in headers is not shown to viewers. */
export const loadTestConfigSchema = z.object({
  session_name: z.string(),
  target_url: z.string(),
  executor: z.enum(executorTypes),
  concurrent_users: z.int(),
  duration_seconds: z.number(),
  /** Of a ramping executor: `target` is users, or arrivals per `time_unit_seconds`. */
  stages: z.array(z.object({ duration_seconds: z.number(), target: z.number() })),
  /** Arrivals per `time_unit_seconds`; null for executors of users. */
  rate: z.number().nullable(),
  time_unit_seconds: z.number(),
  request_interval_min: z.number(),
  request_interval_max: z.number(),
  endpoints: z.array(endpointConfigSchema),
  thresholds: z.array(thresholdConfigSchema),
  max_errors_per_minute: z.int(),
  circuit_breaker: z.object({ consecutive_errors: z.int(), pause_seconds: z.number() }).nullable(),
  load_reduction: z.object({ error_rate: z.number(), factor: z.number() }).nullable(),
  /** Shards asked for; null is one on every worker that has a free slot. */
  workers: z.int().nullable(),
  enable_logging: z.boolean(),
  seed: z.int(),
  /** Absent: users without accounts. */
  user_pool: userPoolConfigSchema.optional(),
});
export type LoadTestConfig = z.infer<typeof loadTestConfigSchema>;

/** The most users that a test may have at once, unless somebody asks for more while it runs. */
export function peakUsersOf({ executor, concurrent_users, stages }: LoadTestConfig): number {
  if (executor !== 'ramping-vus') return concurrent_users;
  return Math.max(concurrent_users, ...stages.map(({ target }) => Math.round(target)));
}

/** What is in force while a test runs; shards follow it by its version. Totals are those of the whole test. */
export const loadTestControlSchema = z.object({
  /** `graceful`: requests under way may complete; `emergency`: every socket is closed at once. */
  stop: z.enum(['graceful', 'emergency']).nullable(),
  paused: z.boolean(),
  /** Users or arrivals that somebody asked for while it ran; null leaves them to the executor. */
  concurrent_users: z.int().nullable(),
  rate: z.number().nullable(),
  /** Set by load reduction: the share of users or arrivals in force. */
  load_factor: z.number(),
  endpoint_weights: z.record(z.string(), z.number()),
  request_interval_min: z.number(),
  request_interval_max: z.number(),
});
export type LoadTestControl = z.infer<typeof loadTestControlSchema>;

/** What happened besides requests: marks on the charts, and lines of the log. */
export const loadEventTypes = [
  'status',
  'control',
  'breaker_opened',
  'breaker_closed',
  'load_reduced',
  'load_restored',
  'shard_lost',
  'shard_taken_over',
  'shard_late',
  'shard_cut_off',
  'shard_back',
  'threshold_failed',
  'error_limit',
  'generator_saturated',
  'login_failed',
] as const;
const loadEventSchema = z.object({
  type: z.enum(loadEventTypes),
  at: z.iso.datetime({ offset: true }),
  /** Seconds from the start of the run; null before it. */
  second: z.number().nullable(),
  message: z.string(),
  shard: z.int().nullable(),
  /**
   * Of `shard_lost`: the worker no longer renews its shard, because it is dead, frozen or cut off. Unlike one that hands
   * its shard over, it may take with it what it measured since its last tick.
   */
  silent: z.literal(true).optional(),
  /** The person who caused the event; null when nobody did. */
  actor: z.string().nullable(),
});
export type LoadEvent = z.infer<typeof loadEventSchema>;

export const thresholdResultSchema = z.object({
  metric: z.string(),
  expression: z.string(),
  ok: z.boolean(),
  /** The figure that was compared; null when there was nothing to measure. */
  actual: z.number().nullable(),
});
export type ThresholdResult = z.infer<typeof thresholdResultSchema>;

const loadTestResult = z.object({
  load_test_id: z.uuid(),
  status: z.enum(endedLoadTestStatuses),
  /** Why it did not simply run to its end; null when it did. */
  reason: z.object({ code: z.string(), message: z.string() }).nullable(),
  degraded: z.boolean(),
  requests: count,
  failed: count,
  /** Seconds of its schedule that went by. */
  duration: z.number(),
});
export type LoadTestResult = z.infer<typeof loadTestResult>;

function outcomeOfRun({ status, reason, degraded }: LoadTestResult): Outcome {
  if (status === 'succeeded') return { status: degraded ? 'partially_succeeded' : 'succeeded' };
  return {
    status: 'failed',
    error: reason ?? { code: 'load_test_failed', message: `The load test ${status}` },
  };
}

export const loadTestRun = defineJob({
  name: 'load-tests.run',
  input: z.strictObject({ load_test_id: z.uuid() }),
  output: loadTestResult,
  outcome: outcomeOfRun,
  // A conductor mostly waits, and goes on where the last one stopped. A worker that stops hands it on at once.
  options: { concurrency: 16, attempts: 12, backoffMs: 1000, keepSeconds: 86_400, drainMs: 0 },
});
