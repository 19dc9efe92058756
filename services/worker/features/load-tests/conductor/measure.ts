import type {
  EndpointMetrics,
  LoadMetrics,
  TimelinePoint,
  Trend,
} from '../../../../../shared/contracts/load-metrics.ts';
import type { Measured } from '../../../../../shared/contracts/threshold-judge.ts';
import type { DurationMetric } from '../../../../../shared/contracts/thresholds.ts';
import type { Delta } from '../engine/delta.ts';
import {
  addDelta,
  createTotals,
  type EndpointTotals,
  figuresOf,
  type LoginTotals,
  sumOfEndpoints,
  type Totals,
} from '../engine/merge.ts';

/** Totals of deltas as the figures that people and thresholds read: k6's names, milliseconds, rates by second. */
export interface Gauges {
  vus: number;
  /** For thresholds, which are judged after the last user has left; null where it is not reported. */
  lastVus: number | null;
  vusMax: number;
  /** Seconds of load. */
  seconds: number;
}

export function measure(totals: Totals, { vus, lastVus, vusMax, seconds }: Gauges): Measured {
  const all = sumOfEndpoints(totals);
  const ofAll = metricsOf(all, seconds);
  const metrics: LoadMetrics = {
    ...ofAll,
    vus,
    vus_max: vusMax,
    iterations: ofAll.http_reqs,
    dropped_iterations: totals.droppedIterations,
    ...(totals.logins && loginMetrics(totals.logins)),
  };
  const endpoints = Object.fromEntries(
    [...totals.endpoints].map(([name, endpoint]) => [name, metricsOf(endpoint, seconds)]),
  );
  return {
    metrics,
    endpoints,
    vus: lastVus,
    seconds,
    percentile(metric, endpoint, percentile) {
      const histogram = histogramOf(metric, endpoint === null ? all : totals.endpoints.get(endpoint), totals);
      if (histogram === undefined || histogram.totalCount === 0) return null;
      return rounded(histogram.getValueAtPercentile(percentile) / 1000);
    },
  };
}

const histogramOf = (metric: DurationMetric, of: EndpointTotals | undefined, { logins }: Totals) =>
  ({
    http_req_duration: of?.serviceTime,
    http_req_response_time: of?.responseTime,
    login_duration: logins?.duration,
  })[metric];

const loginMetrics = ({ count, failed, duration, durationSumUs }: LoginTotals) => ({
  logins: { count, failed },
  login_duration: roundedTrend(figuresOf(duration, durationSumUs)),
});

const metricsOf = (total: EndpointTotals, seconds: number): EndpointMetrics => ({
  http_reqs: { count: total.requests, rate: perSecond(total.requests, seconds) },
  http_req_duration: serviceTrend(total),
  http_req_response_time: roundedTrend(figuresOf(total.responseTime)),
  http_req_failed: {
    rate: total.requests === 0 ? 0 : total.failed / total.requests,
    passes: total.failed,
    fails: total.requests - total.failed,
  },
  errors: total.errors,
  statuses: total.statuses,
  data_received: total.bytesReceived,
  data_sent: total.bytesSent,
});

/** What one shard reported of a second. */
export interface Report {
  shard: number;
  delta: Delta;
}

/** A point of the timeline: everything that was reported of its second. */
export function pointOf(second: number, reports: Report[]): TimelinePoint {
  const totals = createTotals();
  for (const { delta } of reports) addDelta(totals, delta);
  const all = sumOfEndpoints(totals);
  return {
    second,
    requests: all.requests,
    failed: all.failed,
    errors: all.errors,
    dropped_iterations: totals.droppedIterations,
    vus: sumOf([...lastByShard(reports).values()], ({ vus }) => vus),
    data_received: all.bytesReceived,
    data_sent: all.bytesSent,
    http_req_duration: all.serviceTime.totalCount > 0 ? serviceTrend(all) : null,
    http_req_response_time:
      all.responseTime.totalCount > 0 ? roundedTrend(figuresOf(all.responseTime)) : null,
    shards: [...lastByShard(reports).values()].filter(({ cutOff }) => cutOff !== true).length,
    endpoints: Object.fromEntries([...totals.endpoints].map(([name, of]) => [name, endpointPoint(of)])),
  };
}

const endpointPoint = ({ requests, failed, serviceTime }: EndpointTotals) => ({
  requests,
  failed,
  'p(95)': serviceTime.totalCount === 0 ? null : rounded(serviceTime.getValueAtPercentile(95) / 1000),
});

/** Two deltas of one shard may belong to one second: its last, or one before and one after a takeover. */
const lastByShard = (reports: Report[]): Map<number, Delta> =>
  new Map(reports.map(({ shard, delta }) => [shard, delta]));

const serviceTrend = ({ serviceTime, serviceTimeSumUs }: EndpointTotals): Trend =>
  roundedTrend(figuresOf(serviceTime, serviceTimeSumUs));

const roundedTrend = (trend: Trend): Trend => ({
  avg: rounded(trend.avg),
  min: rounded(trend.min),
  med: rounded(trend.med),
  max: rounded(trend.max),
  'p(90)': rounded(trend['p(90)']),
  'p(95)': rounded(trend['p(95)']),
  'p(99)': rounded(trend['p(99)']),
});

/** To the microsecond, which is what was measured. */
const rounded = (value: number): number => Math.round(value * 1000) / 1000;
const perSecond = (count: number, seconds: number): number => (seconds > 0 ? rounded(count / seconds) : 0);
export const sumOf = <T>(values: T[], of: (value: T) => number): number =>
  values.reduce((sum, value) => sum + of(value), 0);
