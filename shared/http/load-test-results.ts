import { z } from 'zod';
import { errorKindSchema, timelinePointSchema, timelineStepSchema } from '../contracts/load-metrics.ts';
import { queryInteger, uuid } from './fields.ts';
import { defineOperation } from './operation.ts';
import { pageOf, pageQuery } from './pagination.ts';

/** What came out of a load test. */
const tag = 'Load tests';
const count = z.int().min(0);
const params = z.strictObject({ id: uuid });

export const readTimeseriesOperation = defineOperation({
  id: 'readLoadTestTimeseries',
  method: 'get',
  path: '/api/load-tests/{id}/timeseries',
  role: 'viewer',
  tag,
  summary: 'Figures by second, or by some seconds; a second that is missing is a gap',
  description:
    'With `step`, of so many seconds at once, each beginning at a multiple of it: counts are summed, percentiles and `vus` are the ' +
    'highest of the seconds, and figures by endpoint are left out.',
  params,
  query: z.strictObject({
    ...pageQuery,
    step: queryInteger(1, 86_400)
      .optional()
      .describe('Seconds of an item; default: each second with its endpoints'),
  }),
  responses: {
    200: {
      description: 'A page of seconds, or of steps',
      schema: pageOf(z.union([timelinePointSchema, timelineStepSchema])),
    },
  },
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
