import { z } from 'zod';
import { errorKinds } from '../kernel/request-error-kinds.ts';

/** What a load test measures, as it is kept and given out: in the whole, by endpoint, and second by second. */

export { type ErrorKind, errorKinds } from '../kernel/request-error-kinds.ts';
export const errorKindSchema = z.enum(errorKinds);

const count = z.int().min(0);
const counts = z.record(z.string(), count);

/** A duration's statistics in milliseconds; percentiles from HDR histograms with three significant digits. */
const trendSchema = z.object({
  avg: z.number(),
  min: z.number(),
  med: z.number(),
  max: z.number(),
  'p(90)': z.number(),
  'p(95)': z.number(),
  'p(99)': z.number(),
});
export type Trend = z.infer<typeof trendSchema>;

/** Zeros stand for no duration at all, as when no request had an answer: what is measured is a microsecond or more. */
export const wasMeasured = ({ max }: Trend): boolean => max > 0;

export const endpointMetricsSchema = z.object({
  http_reqs: z.object({ count, rate: z.number() }),
  /** Service time: from the request on the socket to the answer's end, or to its timeout. */
  http_req_duration: trendSchema,
  /** From the moment the request should have started: shows what waiting for a slow target costs (coordinated omission). */
  http_req_response_time: trendSchema,
  http_req_failed: z.object({ rate: z.number(), passes: count, fails: count }),
  errors: z.partialRecord(errorKindSchema, count),
  /** Answers by status code. */
  statuses: counts,
  /** Bytes, with headers. */
  data_received: count,
  data_sent: count,
});
export type EndpointMetrics = z.infer<typeof endpointMetricsSchema>;

/** k6's names. `passes` counts requests that failed (the rate's true cases), `fails` those that did not, as in k6. */
export const loadMetricsSchema = endpointMetricsSchema.extend({
  vus: count,
  vus_max: count,
  iterations: z.object({ count, rate: z.number() }),
  dropped_iterations: count,
  /**
   * Requests that were sent and are in no figure: a stop cut them off, or their worker died before it told of them. With
   * those of `http_reqs` that got a connection they are what is in the target's log, but for what a worker sent in the very
   * turn of its event loop in which it was killed (docs/load-tests.md). Null when it is not known how many: a worker
   * died whose `DATA_DIR` the others do not share. Absent before the end.
   */
  http_reqs_interrupted: count.nullable().optional(),
  /** Of the users' accounts, where the run has a pool: apart from the load, in none of the figures above. */
  logins: z.object({ count, failed: count }).optional(),
  login_duration: trendSchema.optional(),
});
export type LoadMetrics = z.infer<typeof loadMetricsSchema>;

/** One second of a run over all shards: a point of every chart. Durations in milliseconds. */
export const timelinePointSchema = z.object({
  /** Seconds since the start of the test. */
  second: count,
  requests: count,
  failed: count,
  errors: z.partialRecord(errorKindSchema, count),
  dropped_iterations: count,
  vus: count,
  data_received: count,
  data_sent: count,
  http_req_duration: trendSchema.nullable(),
  http_req_response_time: trendSchema.nullable(),
  /** Shards that reported and were not cut off; fewer than all is a gap. */
  shards: count,
  endpoints: z.record(
    z.string(),
    z.object({ requests: count, failed: count, 'p(95)': z.number().nullable() }),
  ),
});
export type TimelinePoint = z.infer<typeof timelinePointSchema>;

/**
 * Some seconds of a run as one. Counts are summed; `vus` and percentiles are the highest of the seconds, since percentiles
 * cannot be averaged: that of all requests of the step is at most so high. `shards` is the fewest.
 */
export const timelineStepSchema = timelinePointSchema.omit({ endpoints: true }).extend({
  /** How many seconds are in it; one that is missing is a gap. */
  seconds: count,
});
export type TimelineStep = z.infer<typeof timelineStepSchema>;
