import type { Histogram } from 'hdr-histogram-js';
import { type ErrorKind, errorKinds } from '../../../../../shared/kernel/request-error-kinds.ts';
import type { Delta, EndpointDelta, LoginDelta } from './delta.ts';
import { createLatencyHistogram, decodeHistogram } from './latency-histogram.ts';

/**
 * Totals of any number of deltas: counters are added, histograms are added bucket by bucket. So the order does not
 * matter, nor how the requests were spread over engines, and percentiles are those of all requests.
 */
export interface Totals {
  started: number;
  droppedIterations: number;
  endpoints: Map<string, EndpointTotals>;
  /** Undefined until there was one. */
  logins: LoginTotals | undefined;
}

export interface LoginTotals {
  count: number;
  failed: number;
  durationSumUs: number;
  duration: Histogram;
}

export interface EndpointTotals {
  requests: number;
  failed: number;
  errors: Partial<Record<ErrorKind, number>>;
  statuses: Record<string, number>;
  bytesReceived: number;
  bytesSent: number;
  serviceTimeSumUs: number;
  serviceTime: Histogram;
  responseTime: Histogram;
}

/** Milliseconds, named as in k6; all 0 without any answer. */
export interface LatencyFigures {
  avg: number;
  min: number;
  med: number;
  max: number;
  'p(90)': number;
  'p(95)': number;
  'p(99)': number;
}

export const createTotals = (): Totals => ({
  started: 0,
  droppedIterations: 0,
  endpoints: new Map(),
  logins: undefined,
});

/** Adds a delta to the totals, which it changes. */
export function addDelta(
  totals: Totals,
  delta: Pick<Delta, 'started' | 'droppedIterations' | 'endpoints' | 'logins'>,
): void {
  totals.started += delta.started;
  totals.droppedIterations += delta.droppedIterations;
  for (const [name, endpoint] of Object.entries(delta.endpoints)) {
    const total = totals.endpoints.get(name) ?? createEndpointTotals();
    totals.endpoints.set(name, total);
    addEndpointDelta(total, endpoint);
  }
  if (delta.logins !== undefined) addLogins(totals, delta.logins);
}

function addLogins(totals: Totals, delta: LoginDelta): void {
  totals.logins ??= { count: 0, failed: 0, durationSumUs: 0, duration: createLatencyHistogram() };
  totals.logins.count += delta.count;
  totals.logins.failed += delta.failed;
  totals.logins.durationSumUs += delta.durationSumUs;
  totals.logins.duration.add(decodeHistogram(delta.duration));
}

const createEndpointTotals = (): EndpointTotals => ({
  requests: 0,
  failed: 0,
  errors: {},
  statuses: {},
  bytesReceived: 0,
  bytesSent: 0,
  serviceTimeSumUs: 0,
  serviceTime: createLatencyHistogram(),
  responseTime: createLatencyHistogram(),
});

function addEndpointDelta(total: EndpointTotals, delta: EndpointDelta): void {
  addCounters(total, delta);
  total.serviceTime.add(decodeHistogram(delta.serviceTime));
  total.responseTime.add(decodeHistogram(delta.responseTime));
}

function addCounters(total: EndpointTotals, more: Omit<EndpointDelta, 'serviceTime' | 'responseTime'>): void {
  total.requests += more.requests;
  total.failed += more.failed;
  total.bytesReceived += more.bytesReceived;
  total.bytesSent += more.bytesSent;
  total.serviceTimeSumUs += more.serviceTimeSumUs;
  for (const kind of errorKinds) {
    const count = more.errors[kind];
    if (count !== undefined) total.errors[kind] = (total.errors[kind] ?? 0) + count;
  }
  for (const [status, count] of Object.entries(more.statuses)) {
    total.statuses[status] = (total.statuses[status] ?? 0) + count;
  }
}

/** All endpoints as one. */
export function sumOfEndpoints(totals: Totals): EndpointTotals {
  const sum = createEndpointTotals();
  for (const endpoint of totals.endpoints.values()) {
    addCounters(sum, endpoint);
    sum.serviceTime.add(endpoint.serviceTime);
    sum.responseTime.add(endpoint.responseTime);
  }
  return sum;
}

/** k6's figures of a histogram; `sumUs` gives the exact average, else it is the histogram's. */
export function figuresOf(histogram: Histogram, sumUs?: number): LatencyFigures {
  const count = histogram.totalCount;
  const at = (percentile: number) => (count === 0 ? 0 : histogram.getValueAtPercentile(percentile) / 1000);
  const average = sumUs === undefined ? histogram.mean : sumUs / count;
  return {
    avg: count === 0 ? 0 : average / 1000,
    min: at(0),
    med: at(50),
    max: at(100),
    'p(90)': at(90),
    'p(95)': at(95),
    'p(99)': at(99),
  };
}
