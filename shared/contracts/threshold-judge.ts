import type { EndpointMetrics, LoadMetrics } from './load-metrics.ts';
import type { ThresholdConfig, ThresholdResult } from './load-tests.ts';
import {
  type Aggregate,
  type Comparison,
  type DurationMetric,
  isDuration,
  isOfRun,
  parseThreshold,
  type RunMetricName,
  type Threshold,
} from './thresholds.ts';

/** What was measured so far, merged over all shards. */
export interface Measured {
  metrics: LoadMetrics;
  endpoints: Readonly<Record<string, EndpointMetrics>>;
  /** Users in the last second before the end, when there are none any more; null until their number is reported. */
  vus: number | null;
  /** Seconds of load so far: what counters are divided by for their rate. */
  seconds: number;
  /** Milliseconds at this percentile, of an endpoint or (null) of all; null when nothing was measured. */
  percentile(metric: DurationMetric, endpoint: string | null, percentile: number): number | null;
}

const holds: Record<Comparison, (actual: number, limit: number) => boolean> = {
  '<=': (actual, limit) => actual <= limit,
  '>=': (actual, limit) => actual >= limit,
  '===': (actual, limit) => actual === limit,
  '==': (actual, limit) => actual === limit,
  '!=': (actual, limit) => actual !== limit,
  '<': (actual, limit) => actual < limit,
  '>': (actual, limit) => actual > limit,
};

/**
 * Whether a threshold holds. With nothing to measure it does not (a test that measured nothing proves nothing), and
 * `actual` is null: while a test runs, such a result is no reason to abort it.
 */
export function judge({ metric, expression }: ThresholdConfig, measured: Measured): ThresholdResult {
  const { threshold, fault } = parseThreshold(metric, expression);
  if (fault !== undefined) throw new Error(`A threshold of a test is faulty: ${fault.message}`);
  const actual = figureOf(threshold, measured);
  const ok = actual !== null && holds[threshold.comparison](actual, threshold.limit);
  return { metric, expression, ok, actual };
}

function figureOf({ metric, endpoint, aggregate }: Threshold, measured: Measured): number | null {
  if (isDuration(metric)) return durationFigure(metric, { endpoint, aggregate }, measured);
  if (metric === 'vus') return measured.vus;
  if (isOfRun(metric)) return aggregated(runFigure(metric, measured.metrics), aggregate, measured.seconds);
  const of = endpoint === null ? measured.metrics : measured.endpoints[endpoint];
  if (of === undefined) return null;
  if (metric === 'http_req_failed') return of.http_reqs.count === 0 ? null : of.http_req_failed.rate;
  if (metric === 'http_reqs') return aggregated(of.http_reqs.count, aggregate, measured.seconds);
  return aggregated(of[metric], aggregate, measured.seconds);
}

function durationFigure(
  metric: DurationMetric,
  { endpoint, aggregate }: Pick<Threshold, 'endpoint' | 'aggregate'>,
  { metrics, endpoints, percentile }: Measured,
): number | null {
  if (typeof aggregate === 'object') return percentile(metric, endpoint, aggregate.percentile);
  if (percentile(metric, endpoint, 50) === null) return null;
  const of: Partial<LoadMetrics> | undefined = endpoint === null ? metrics : endpoints[endpoint];
  const figures: Partial<Record<Aggregate, number>> = of?.[metric] ?? {};
  return figures[aggregate] ?? null;
}

const runFigure = (metric: Exclude<RunMetricName, DurationMetric | 'vus'>, metrics: LoadMetrics): number =>
  metric === 'iterations' ? metrics.iterations.count : metrics[metric];

/** A counter's total or rate; a gauge's value. */
function aggregated(value: number, aggregate: Threshold['aggregate'], seconds: number): number | null {
  if (aggregate !== 'rate') return value;
  return seconds > 0 ? value / seconds : null;
}
