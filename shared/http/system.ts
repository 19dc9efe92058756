import { z } from 'zod';
import { defineOperation } from './operation.ts';

const check = z.object({ status: z.enum(['ok', 'down']) });

export const health = z
  .object({
    status: z
      .enum(['ok', 'degraded', 'down'])
      .describe(
        '`degraded`: requests are served, but no worker runs, or production users are not guarded as they should be; `down`: a store does not answer',
      ),
    version: z.string(),
    uptime_seconds: z.number(),
    checks: z.object({
      postgres: check,
      application_database: check,
      queue: check,
      guards: check,
      workers: check.extend({ count: z.int() }),
    }),
  })
  .meta({ id: 'Health' });

export type Health = z.infer<typeof health>;
export type HealthCheck = z.infer<typeof check>;

const tag = 'System';

export const getHealthOperation = defineOperation({
  id: 'getHealth',
  method: 'get',
  path: '/api/health',
  role: 'open',
  tag,
  summary: 'Whether Muster works, and what of it does not',
  responses: {
    200: { description: 'It answers requests', schema: health },
    503: { description: 'A database or the queue does not answer', schema: health },
  },
});

export const getMetricsOperation = defineOperation({
  id: 'getMetrics',
  method: 'get',
  path: '/metrics',
  role: 'open',
  tag,
  summary: 'Metrics for Prometheus',
  description:
    'Open, like the health check: it has counts and times, no names. Close it in the proxy if need be.',
  responses: { 200: { description: 'The Prometheus text format', contentTypes: ['text/plain'] } },
});

export const getOpenApiOperation = defineOperation({
  id: 'getOpenApi',
  method: 'get',
  path: '/api/openapi.json',
  role: 'open',
  tag,
  summary: 'This document',
  responses: { 200: { description: 'OpenAPI 3.1', schema: z.looseObject({ openapi: z.string() }) } },
});
