import { z } from 'zod';
import { endpointMetricsSchema, loadMetricsSchema, timelinePointSchema } from '../contracts/load-metrics.ts';
import {
  loadTestConfigSchema,
  loadTestControlSchema,
  loadTestStatuses,
  thresholdResultSchema,
} from '../contracts/load-tests.ts';
import { queryInteger, timestamp, uuid } from './fields.ts';
import { loadControlBody, loadTestBody } from './load-test-rules.ts';
import { defineOperation } from './operation.ts';
import { pageOf, pageQuery } from './pagination.ts';

const tag = 'Load tests';
const count = z.int().min(0);

export const loadTest = z
  .object({
    id: uuid,
    job_id: uuid,
    status: z.enum(loadTestStatuses),
    degraded: z.boolean().describe('Less load was delivered than asked'),
    reason: z
      .object({ code: z.string(), message: z.string() })
      .nullable()
      .describe('Why it did not simply run to its end'),
    config: loadTestConfigSchema,
    control: loadTestControlSchema.describe('In force now'),
    created_at: timestamp,
    started_at: timestamp.nullable(),
    finished_at: timestamp.nullable(),
    active_users: count,
    metrics: loadMetricsSchema.describe("k6's names; durations in milliseconds, data in bytes"),
    thresholds: z.array(thresholdResultSchema),
  })
  .meta({ id: 'LoadTest' });

export const loadTestDetail = loadTest
  .extend({
    degraded_because: z
      .array(z.string())
      .describe('Why less load was delivered than asked, in words; empty when it was not'),
    endpoints: z.record(z.string(), endpointMetricsSchema),
    shards: z.array(
      z.object({
        shard: z.int(),
        worker: z.string(),
        status: z.string().describe('assigned, ready, running, lost or ended'),
        requests: count,
        interrupted: count
          .nullable()
          .describe(
            'As `http_reqs_interrupted`: sent, and not among `requests`. Null before the end, and when it is not known',
          ),
        epoch: z.int().describe('Raised each time that another worker takes it over'),
      }),
    ),
  })
  .meta({ id: 'LoadTestDetail' });

const params = z.strictObject({ id: uuid });

export const createLoadTestOperation = defineOperation({
  id: 'createLoadTest',
  method: 'post',
  path: '/api/load-tests',
  role: 'operator',
  tag,
  summary: 'Start a load test',
  description:
    'Runs spread over the workers, as a job of kind `load-tests.run`. Only targets of the allow-list ' +
    '(`TARGET_ALLOWLIST`) can be hit. Without `endpoints`, those of the target at `/catalogue`.',
  body: loadTestBody,
  responses: { 202: { description: 'The load test', schema: loadTestDetail } },
  errors: ['target_not_allowed', 'target_unreachable', 'catalogue_unreadable', 'not_enough_accounts'],
});

export const listLoadTestsOperation = defineOperation({
  id: 'listLoadTests',
  method: 'get',
  path: '/api/load-tests',
  role: 'viewer',
  tag,
  summary: 'Load tests, newest first',
  query: z.strictObject({
    ...pageQuery,
    status: z
      .enum([...loadTestStatuses, 'active'])
      .optional()
      .describe('`active`: all that have not ended'),
  }),
  responses: { 200: { description: 'A page of load tests', schema: pageOf(loadTest) } },
});

export const getLoadTestOperation = defineOperation({
  id: 'getLoadTest',
  method: 'get',
  path: '/api/load-tests/{id}',
  role: 'viewer',
  tag,
  summary: 'One load test: what was asked, and what was measured so far',
  params,
  responses: { 200: { description: 'The load test', schema: loadTestDetail } },
});

export const changeLoadTestOperation = defineOperation({
  id: 'changeLoadTest',
  method: 'patch',
  path: '/api/load-tests/{id}',
  role: 'operator',
  tag,
  summary: 'Change users, rate, weights or intervals while it runs; pause it, and go on',
  params,
  body: loadControlBody,
  responses: { 200: { description: 'The load test', schema: loadTestDetail } },
  errors: ['conflict'],
});

export const stopLoadTestOperation = defineOperation({
  id: 'stopLoadTest',
  method: 'post',
  path: '/api/load-tests/{id}/stop',
  role: 'operator',
  tag,
  summary: 'Stop a load test',
  description: 'No new requests; those under way may complete. One that has ended already stays as it is.',
  params,
  responses: { 202: { description: 'The load test, which will end', schema: loadTestDetail } },
});

export const emergencyStopOperation = defineOperation({
  id: 'emergencyStopLoadTests',
  method: 'post',
  path: '/api/load-tests/emergency-stop',
  role: 'operator',
  tag,
  summary: 'Stop all load tests at once',
  description:
    'Closes every connection, and waits up to a second for the workers to say so. No request of a shard leaves its worker a ' +
    'second after the answer, unless it is in `unconfirmed`: its worker is frozen, gone or cut off from Postgres, where ' +
    'nobody can reach it; one that is cut off stops by itself within 5 seconds. Sent again, it stops what runs by then.',
  transaction: false, // workers cannot follow a stop before it is committed
  responses: {
    200: {
      description: 'Which tests were stopped',
      schema: z.object({
        stopped: z.array(uuid),
        took_ms: z.number(),
        unconfirmed: z
          .array(z.object({ load_test_id: uuid, shard: z.int(), worker: z.string() }))
          .describe('Shards whose workers have not said yet that they stopped'),
      }),
    },
  },
});

export const streamLoadTestEventsOperation = defineOperation({
  id: 'streamLoadTestEvents',
  method: 'get',
  path: '/api/load-tests/{id}/events',
  role: 'viewer',
  tag,
  summary: 'A load test as it runs',
  description:
    'Server-sent events with ascending ids: a `tick` for each second (`{ status, point, metrics }`), and one for ' +
    'each event of the test, by its type (`status`, `control`, `breaker_opened`, `shard_lost`, ...). A second is told ' +
    'when the next one is there: of a worker that reports later, `/timeseries` has more. Resumes after ' +
    'the `Last-Event-ID` header, sends a comment every 15 seconds, and ends after the test has.',
  params,
  query: z.strictObject({
    after_second: queryInteger(-1, 2 ** 22 - 2)
      .optional()
      .describe(
        'Ticks begin after this second, as far as `/timeseries` was read; not with `Last-Event-ID`, which knows more',
      ),
  }),
  responses: { 200: { description: 'The stream', contentTypes: ['text/event-stream'] } },
});

/** The data of a `tick` event. */
export const loadTickSchema = z.object({
  status: z.enum(loadTestStatuses),
  point: timelinePointSchema,
  metrics: loadMetricsSchema,
});
