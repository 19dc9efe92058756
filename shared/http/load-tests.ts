import { z } from 'zod';
import {
  endpointMetricsSchema,
  errorKindSchema,
  loadMetricsSchema,
  loadTestConfigSchema,
  loadTestControlSchema,
  loadTestStatuses,
  thresholdResultSchema,
  timelinePointSchema,
} from '../contracts/load-tests.ts';
import { timestamp, uuid } from './fields.ts';
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
    endpoints: z.record(z.string(), endpointMetricsSchema),
    shards: z.array(
      z.object({
        shard: z.int(),
        worker: z.string(),
        status: z.string().describe('assigned, ready, running, lost or ended'),
        requests: count,
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
  errors: ['target_not_allowed', 'target_unreachable', 'catalogue_unreadable'],
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
  description: 'Closes every connection: no request leaves any worker a second after the answer.',
  responses: {
    200: {
      description: 'Which tests were stopped',
      schema: z.object({ stopped: z.array(uuid), took_ms: z.number() }),
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
    'each event of the test, by its type (`status`, `control`, `breaker_opened`, `shard_lost`, ...). Resumes after ' +
    'the `Last-Event-ID` header, sends a comment every 15 seconds, and ends after the test has.',
  params,
  responses: { 200: { description: 'The stream', contentTypes: ['text/event-stream'] } },
});

/** The data of a `tick` event. */
export const loadTickSchema = z.object({
  status: z.enum(loadTestStatuses),
  point: timelinePointSchema,
  metrics: loadMetricsSchema,
});

export const readTimeseriesOperation = defineOperation({
  id: 'readLoadTestTimeseries',
  method: 'get',
  path: '/api/load-tests/{id}/timeseries',
  role: 'viewer',
  tag,
  summary: 'Figures by second; a second that is missing is a gap',
  params,
  query: z.strictObject(pageQuery),
  responses: { 200: { description: 'A page of seconds', schema: pageOf(timelinePointSchema) } },
});

export const loadErrorSample = z
  .object({
    second: z.number().describe('From the start of the run'),
    endpoint: z.string(),
    kind: errorKindSchema,
    status: z.int().nullable(),
    message: z.string(),
    username: z.string().nullable(),
    shard: z.int(),
  })
  .meta({ id: 'LoadErrorSample' });

export const listLoadErrorsOperation = defineOperation({
  id: 'listLoadTestErrors',
  method: 'get',
  path: '/api/load-tests/{id}/errors',
  role: 'viewer',
  tag,
  summary: 'Samples of what went wrong; the counts are in the metrics',
  params,
  query: z.strictObject(pageQuery),
  responses: { 200: { description: 'A page of samples', schema: pageOf(loadErrorSample) } },
});

export const readLoadSummaryOperation = defineOperation({
  id: 'readLoadTestSummary',
  method: 'get',
  path: '/api/load-tests/{id}/summary',
  role: 'viewer',
  tag,
  summary: "The figures as text, in the layout of k6's end-of-test summary",
  params,
  responses: { 200: { description: 'The text', contentTypes: ['text/plain'] } },
});

export const readLoadReportOperation = defineOperation({
  id: 'readLoadTestReport',
  method: 'get',
  path: '/api/load-tests/{id}/report',
  role: 'viewer',
  tag,
  summary: 'The report: one HTML page with charts that needs nothing else',
  params,
  responses: { 200: { description: 'The page', contentTypes: ['text/html'] } },
});

export const readLoadJunitOperation = defineOperation({
  id: 'readLoadTestJunit',
  method: 'get',
  path: '/api/load-tests/{id}/junit',
  role: 'viewer',
  tag,
  summary: 'The thresholds as JUnit test cases, for CI; once the test has ended',
  params,
  responses: { 200: { description: 'The XML', contentTypes: ['application/xml'] } },
  errors: ['conflict'],
});

const verdict = z.enum(['better', 'worse', 'no_difference', 'inconclusive']);

export const comparedFigure = z
  .object({
    endpoint: z.string().nullable().describe('Null: of all endpoints'),
    figure: z.enum(['throughput', 'p95', 'error_rate']),
    unit: z.enum(['1/s', 'ms', 'share']),
    base: z.number().nullable(),
    head: z.number().nullable(),
    difference: z
      .number()
      .nullable()
      .describe(
        'Of head to base: relative for throughput and p95 (0.1 is 10 % more), absolute for the error rate',
      ),
    confidence_interval: z
      .object({ low: z.number(), high: z.number() })
      .nullable()
      .describe('Of the difference, 95 %'),
    relevant: z.number().describe('The least difference that counts'),
    verdict,
    seconds: z.object({ base: count, head: count }).describe('How many seconds were compared'),
  })
  .meta({ id: 'ComparedFigure' });

export const loadComparison = z
  .object({
    base: uuid,
    head: uuid,
    verdict: verdict.describe('Of head, over all endpoints: the worst of its figures'),
    warnings: z.array(z.string()).describe('What makes the two hard to compare'),
    figures: z.array(comparedFigure),
  })
  .meta({ id: 'LoadComparison' });

export const compareLoadTestsOperation = defineOperation({
  id: 'compareLoadTests',
  method: 'get',
  path: '/api/load-tests/compare',
  role: 'viewer',
  tag,
  summary: 'Whether one run is better or worse than another, or only different by chance',
  description: 'The method is in docs/load-tests.md. Both tests must have ended.',
  query: z.strictObject({ base: uuid, head: uuid }),
  responses: { 200: { description: 'The comparison', schema: loadComparison } },
  errors: ['conflict', 'not_found'],
});
