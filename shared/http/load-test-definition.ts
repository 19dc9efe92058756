import { z } from 'zod';
import { loginSchema } from '../contracts/account-sessions.ts';
import { executorTypes, loadTestConfigSchema, poolPolicies } from '../contracts/load-tests.ts';
import { uuid } from './fields.ts';
import { defineOperation } from './operation.ts';

/** What a load test may be, and what one was: for whoever writes the next. */
const tag = 'Load tests';
const count = z.int().min(0);
const duration = z.string().describe('Such as `30s`, `500ms`');

const { session_name, target_url, concurrent_users, request_interval_min, request_interval_max } =
  loadTestConfigSchema.shape;
const { endpoints, max_errors_per_minute, circuit_breaker, load_reduction, enable_logging, seed } =
  loadTestConfigSchema.shape;

/** A body of `POST /api/load-tests` in which every default is written out. */
export const loadTestDefinition = z
  .object({
    session_name,
    target_url,
    executor: z.enum(executorTypes),
    concurrent_users,
    duration: duration.optional(),
    stages: z.array(z.object({ duration, target: z.number() })).optional(),
    rate: z.number().optional(),
    time_unit: duration.optional(),
    request_interval_min,
    request_interval_max,
    endpoints,
    thresholds: z.record(
      z.string(),
      z.array(
        z.object({
          threshold: z.string(),
          abort_on_fail: z.boolean(),
          delay_abort_eval: duration.optional(),
        }),
      ),
    ),
    max_errors_per_minute,
    circuit_breaker,
    load_reduction,
    workers: z.int().optional(),
    enable_logging,
    seed,
    user_pool: z
      .object({
        batch_id: z.string().optional(),
        policy: z.enum(poolPolicies),
        login: z.union([loginSchema, z.literal(false)]),
      })
      .optional(),
  })
  .meta({ id: 'LoadTestDefinition' });

export const readLoadDefinitionOperation = defineOperation({
  id: 'readLoadTestDefinition',
  method: 'get',
  path: '/api/load-tests/{id}/definition',
  role: 'viewer',
  tag,
  summary: 'What to send to start the same load test again',
  description:
    'A body of `POST /api/load-tests` with everything filled in that its request left open: the endpoints of the catalogue as ' +
    'they were, the seed of the random choices, the login.',
  params: z.strictObject({ id: uuid }),
  responses: { 200: { description: 'The body', schema: loadTestDefinition } },
});

export const readLoadLimitsOperation = defineOperation({
  id: 'readLoadTestLimits',
  method: 'get',
  path: '/api/load-tests/limits',
  role: 'viewer',
  tag,
  summary: 'The most that a load test may ask for, and what it is when it says nothing',
  responses: {
    200: {
      description: 'Limits and defaults in force',
      schema: z.object({
        limits: z.object({
          concurrent_users: count.describe('`MAX_LOAD_USERS`'),
          rate_per_second: z.number().describe('`MAX_LOAD_RATE`'),
          duration_seconds: z.number().describe('`MAX_LOAD_DURATION_MINUTES`'),
          endpoints: count,
          stages: count,
        }),
        defaults: z.object({
          session_name,
          target_url: target_url
            .nullable()
            .describe('The storefront; null where there is none: it must be given'),
          executor: z.enum(executorTypes),
          concurrent_users,
          duration,
          request_interval_min,
          request_interval_max,
          max_errors_per_minute,
        }),
      }),
    },
  },
});
