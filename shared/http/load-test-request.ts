import { z } from 'zod';
import { executorTypes, poolPolicies, type ThresholdConfig } from '../contracts/load-tests.ts';
import { parseThreshold } from '../contracts/thresholds.ts';
import { parseDuration } from '../kernel/duration.ts';
import { loginBody } from './account-sessions.ts';
import { uuid } from './fields.ts';
import { endpoint, name, weight } from './load-endpoint-request.ts';

/** What is asked of a load test: each field by itself. How they go together is in `load-test-rules.ts`. */
export const maxEndpoints = 200;
export const maxStages = 100;

/** 1.001 s are not quite 1001 ms in binary. */
const roundingErrorMs = 1e-5;

function wholeMs(ms: number | undefined): number | undefined {
  if (ms === undefined || !Number.isFinite(ms)) return undefined;
  const whole = Math.round(ms);
  return Math.abs(ms - whole) < roundingErrorMs ? whole : undefined;
}

/** `30s`, `1m30s`: gives seconds. Engines count in whole milliseconds: what they would round could pass a limit. */
const duration = z
  .string()
  .max(50)
  .transform((text, context) => {
    const ms = wholeMs(parseDuration(text));
    if (ms !== undefined && ms > 0) return ms / 1000;
    context.addIssue({
      code: 'custom',
      message: 'must be a time of whole milliseconds, longer than 0, such as 30s, 1m30s or 500ms',
    });
    return z.NEVER;
  })
  .meta({ description: 'Such as `30s`, `1m30s`, `500ms`', examples: ['30s'] });

const seconds = z.number().min(0).max(3600);
const weights = z.record(name, weight);
const positive = z.number().positive().max(1_000_000_000);

const stage = z
  .strictObject({ duration, target: z.number().min(0).max(1_000_000_000) })
  .transform(({ duration: duration_seconds, target }) => ({ duration_seconds, target }));

/** k6 writes `abortOnFail`; both spellings are read. */
const thresholdEntry = z.union([
  z.string().max(200),
  z
    .strictObject({
      threshold: z.string().max(200),
      abort_on_fail: z.boolean().optional(),
      abortOnFail: z.boolean().optional(),
      delay_abort_eval: duration.optional(),
      delayAbortEval: duration.optional(),
    })
    .describe('`abort_on_fail` stops the test as soon as the threshold fails, after `delay_abort_eval`'),
]);

const asConfig = (metric: string, entry: z.output<typeof thresholdEntry>): ThresholdConfig =>
  typeof entry === 'string'
    ? { metric, expression: entry, abort_on_fail: false, delay_abort_eval_seconds: 0 }
    : {
        metric,
        expression: entry.threshold,
        abort_on_fail: entry.abort_on_fail ?? entry.abortOnFail ?? false,
        delay_abort_eval_seconds: entry.delay_abort_eval ?? entry.delayAbortEval ?? 0,
      };

const thresholds = z
  .record(z.string().max(300), z.array(thresholdEntry).min(1).max(20))
  .check(context => {
    for (const [metric, entries] of Object.entries(context.value)) {
      for (const [index, entry] of entries.entries()) {
        const { fault } = parseThreshold(metric, asConfig(metric, entry).expression);
        if (fault === undefined) continue;
        const inEntry = typeof entry === 'string' ? [index] : [index, 'threshold'];
        context.issues.push({
          code: 'custom',
          path: fault.part === 'metric' ? [metric] : [metric, ...inEntry],
          message: fault.message,
          input: entry,
          params: { code: 'threshold_syntax' },
        });
      }
    }
  })
  .transform(given =>
    Object.entries(given).flatMap(([metric, entries]) => entries.map(entry => asConfig(metric, entry))),
  );

const userPool = z
  .strictObject({
    batch_id: uuid.optional().describe('Default: all accounts'),
    policy: z
      .enum(poolPolicies)
      .default('unique')
      .describe(
        '`unique`: an account of its own for each user. `round_robin`: users take turns over the accounts of the run. ' +
          '`shared`: any account, also of other runs',
      ),
    login: z
      .union([loginBody, z.literal(false)])
      .optional()
      .describe("How to log in. Default: the storefront's; false: use stored sessions only"),
  })
  .meta({ id: 'UserPool' });

/** The fields of `POST /api/load-tests`. */
export const loadTestFields = {
  session_name: name.default('Load test').describe('What people call this run'),
  target_url: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .optional()
    .describe('Default: the storefront'),
  executor: z
    .enum(executorTypes)
    .default('constant-vus')
    .describe(
      '`-vus`: so many users, one request after the other. `-arrival-rate`: so many requests a second',
    ),
  concurrent_users: z
    .int()
    .min(1)
    .optional()
    .describe(
      'Virtual users, 10 when absent. Of `ramping-vus`: those at the start (1). ' +
        'Of the arrival rates: at most so many (enough for answers that take a second, 10 or more)',
    ),
  duration_minutes: z.number().min(0.001).max(1_000_000_000).optional().describe('Default: 30'),
  duration: duration.optional().describe('In place of `duration_minutes`'),
  stages: z
    .array(stage)
    .min(1)
    .max(maxStages)
    .optional()
    .describe('Of the ramping executors: to `target` users or arrivals, evenly, within `duration`'),
  rate: positive
    .optional()
    .describe('Arrivals per `time_unit`; of `ramping-arrival-rate`, those at the start (0)'),
  time_unit: duration.default(1).describe('Of `rate` and of the arrival stages; default: `1s`'),
  request_interval_min: seconds.optional().describe('Seconds that a user waits between two requests: 1'),
  request_interval_max: seconds.optional().describe('5'),
  endpoints: z
    .array(endpoint)
    .min(1)
    .max(maxEndpoints)
    .optional()
    .describe(
      'Default: what the target lists at `/catalogue`; without a `user_pool` but for what needs a login',
    ),
  endpoint_weights: weights.optional().describe('In place of those of `endpoints`, by name'),
  thresholds: thresholds
    .default([])
    .describe(
      'In k6\'s notation: `{ "http_req_duration{name:home}": ["p(95)<500"] }`. See docs/load-tests.md',
    ),
  max_errors_per_minute: z
    .int()
    .min(0)
    .max(1_000_000_000)
    .default(100)
    .describe('More than these stop the test'),
  circuit_breaker: z
    .strictObject({
      consecutive_errors: z.int().min(1).max(1_000_000).default(10),
      pause_seconds: z.number().min(0.1).max(600).default(5),
    })
    .nullable()
    .default(null)
    .describe(
      'After so many errors in a row no requests are sent for a while; each worker counts its own. Default: none',
    ),
  load_reduction: z
    .strictObject({
      error_rate: z.number().gt(0).lt(1).default(0.5),
      factor: z.number().gt(0).lt(1).default(0.5),
    })
    .nullable()
    .default(null)
    .describe('While more than this share of requests fails, load is reduced by the factor. Default: none'),
  workers: z.int().min(1).max(1000).optional().describe('How many workers to spread it over; default: all'),
  enable_logging: z.boolean().default(true).describe('Keep samples of errors'),
  user_pool: userPool
    .optional()
    .describe('Accounts for the users: see docs/accounts.md. Default: users without accounts'),
  seed: z.int().min(0).max(4_294_967_295).optional().describe('Of the random choices; default: a new one'),
};

/** The fields of `PATCH /api/load-tests/{id}`. */
export const loadControlFields = {
  concurrent_users: z
    .int()
    .min(1)
    .nullable()
    .optional()
    .describe('Of the `-vus` executors; null: as planned'),
  rate: positive.nullable().optional().describe('Of the `-arrival-rate` executors; null: as planned'),
  endpoint_weights: weights.optional().describe('Those that change'),
  request_interval_min: seconds.optional(),
  request_interval_max: seconds.optional(),
  paused: z.boolean().optional(),
};
