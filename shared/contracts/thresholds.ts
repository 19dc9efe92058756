import type { EndpointMetrics, LoadMetrics, ThresholdConfig, ThresholdResult } from './load-tests.ts';

/**
 * Thresholds in k6's notation: a metric, with `{name:...}` for one endpoint, and an expression over it.
 *
 *   http_req_duration{name:home}   p(95) < 500        durations in milliseconds: avg min med max p(N)
 *   http_req_failed                rate < 0.01        a share, 0 to 1
 *   http_reqs                      count > 1000       counters: count, and rate by second
 *   vus                            value >= 50        gauges: the last value
 *
 * A text that is none gives a fault with its column and what would fit there.
 */
const metricKinds = {
  http_req_duration: 'trend',
  http_req_response_time: 'trend',
  http_req_failed: 'rate',
  http_reqs: 'counter',
  data_received: 'counter',
  data_sent: 'counter',
  iterations: 'counter',
  dropped_iterations: 'counter',
  vus: 'gauge',
  vus_max: 'gauge',
} as const;
type MetricName = keyof typeof metricKinds;
type Kind = (typeof metricKinds)[MetricName];
type DurationMetric = 'http_req_duration' | 'http_req_response_time';
/** What is kept by endpoint too, so that `{name:...}` may follow it. */
type EndpointMetricName = Exclude<MetricName, RunMetricName>;
type RunMetricName = 'iterations' | 'dropped_iterations' | 'vus' | 'vus_max';

const aggregates = {
  trend: ['avg', 'min', 'med', 'max'],
  rate: ['rate'],
  counter: ['count', 'rate'],
  gauge: ['value'],
} as const satisfies Record<Kind, readonly string[]>;
type Aggregate = (typeof aggregates)[Kind][number];

const comparisons = {
  '<=': (actual: number, limit: number) => actual <= limit,
  '>=': (actual: number, limit: number) => actual >= limit,
  '===': (actual: number, limit: number) => actual === limit,
  '==': (actual: number, limit: number) => actual === limit,
  '!=': (actual: number, limit: number) => actual !== limit,
  '<': (actual: number, limit: number) => actual < limit,
  '>': (actual: number, limit: number) => actual > limit,
} as const;
type Comparison = keyof typeof comparisons;

export interface Threshold {
  metric: MetricName;
  /** The endpoint that the selector names; null is all of them. */
  endpoint: string | null;
  aggregate: Aggregate | { percentile: number };
  comparison: Comparison;
  limit: number;
}

export interface ThresholdFault {
  /** Which of the two texts. */
  part: 'metric' | 'expression';
  /** Where in it, from 1. */
  column: number;
  message: string;
}

/** Thrown inside this file only: it carries a fault from where it is seen to `parseThreshold`. */
class Misread extends Error {
  readonly column: number;
  constructor(column: number, message: string) {
    super(message);
    this.column = column;
  }
}

/** The threshold that the two texts say, or the first fault of them. */
export function parseThreshold(
  metric: string,
  expression: string,
): { threshold: Threshold; fault?: never } | { threshold?: never; fault: ThresholdFault } {
  let part: ThresholdFault['part'] = 'metric';
  try {
    const subject = readMetric(metric);
    part = 'expression';
    return { threshold: { ...subject, ...readExpression(expression, subject.metric) } };
  } catch (error) {
    if (!(error instanceof Misread)) throw error;
    const { column, message } = error;
    return { fault: { part, column, message: `${message} (column ${column})` } };
  }
}

const isMetric = (name: string): name is MetricName => Object.hasOwn(metricKinds, name);
const isByEndpoint = (name: MetricName): name is EndpointMetricName => !isOfRun(name);
const isOfRun = (name: MetricName): name is RunMetricName =>
  name === 'iterations' || name === 'dropped_iterations' || name === 'vus' || name === 'vus_max';

function readMetric(text: string): Pick<Threshold, 'metric' | 'endpoint'> {
  const [metric = ''] = text.split('{', 1);
  if (!isMetric(metric)) {
    throw new Misread(1, `names no metric: write one of ${Object.keys(metricKinds).join(', ')}`);
  }
  const selector = text.slice(metric.length);
  if (selector === '') return { metric, endpoint: null };
  const column = metric.length + 1;
  if (!isByEndpoint(metric)) throw new Misread(column, `has a selector, and ${metric} is of the whole test`);
  const endpoint = /^\{\s*name\s*:\s*(.+?)\s*\}$/u.exec(selector)?.[1];
  if (endpoint === undefined) {
    throw new Misread(column, 'has a selector that is none: write {name:ENDPOINT}');
  }
  return { metric, endpoint: unquote(endpoint) };
}

const unquote = (text: string): string => /^(["'])(.+)\1$/u.exec(text)?.[2] ?? text;

function readExpression(
  text: string,
  metric: MetricName,
): Pick<Threshold, 'aggregate' | 'comparison' | 'limit'> {
  const scanner = createScanner(text);
  const aggregate = readAggregate(scanner, metric);
  const comparison = scanner.take(/===?|!=|<=|>=|<|>/y, 'a comparison: <, <=, >, >=, == or !=');
  const limit = scanner.take(/-?\d+(\.\d+)?/y, 'a number');
  scanner.end(metricKinds[metric] === 'trend' ? 'the end: milliseconds have no unit here' : 'the end');
  return { aggregate, comparison: comparisonOf(comparison), limit: Number(limit) };
}

const comparisonOf = (text: string): Comparison => {
  const found = Object.keys(comparisons).find((key): key is Comparison => key === text);
  if (found === undefined) throw new Error(`${text} is scanned as a comparison, and is none`);
  return found;
};

function readAggregate(scanner: Scanner, metric: MetricName): Threshold['aggregate'] {
  const kind = metricKinds[metric];
  const fitting = [...aggregates[kind], ...(kind === 'trend' ? ['p(N)'] : [])].join(', ');
  const column = scanner.column();
  const word = scanner.take(/[a-z]\w*/y, `one of ${fitting}`);
  if (kind === 'trend' && word === 'p') return { percentile: readPercentile(scanner) };
  const aggregate = aggregates[kind].find(name => name === word);
  if (aggregate === undefined) throw new Misread(column, `has ${word}: ${metric} has ${fitting}`);
  return aggregate;
}

function readPercentile(scanner: Scanner): number {
  scanner.take(/\(/y, '(');
  const column = scanner.column();
  const percentile = Number(scanner.take(/\d+(\.\d+)?/y, 'a percentile, 0 to 100'));
  if (percentile > 100) throw new Misread(column, `has ${percentile}: a percentile is 0 to 100`);
  scanner.take(/\)/y, ')');
  return percentile;
}

type Scanner = ReturnType<typeof createScanner>;

/** Reads a text token by token, over white space. */
function createScanner(text: string) {
  let at = 0;
  const skip = () => {
    at += /^\s*/.exec(text.slice(at))?.[0].length ?? 0;
  };
  const refuse = (wanted: string): never => {
    const found = at < text.length ? `"${text.slice(at, at + 20)}"` : 'the end';
    throw new Misread(at + 1, `has ${found} in place of ${wanted}`);
  };
  skip();
  return {
    column: () => at + 1,
    /** @param token a sticky expression */
    take(token: RegExp, wanted: string): string {
      token.lastIndex = at;
      const [found] = token.exec(text) ?? refuse(wanted);
      at += found.length;
      skip();
      return found;
    },
    end(wanted: string): void {
      if (at < text.length) refuse(wanted);
    },
  };
}

/** What was measured so far, merged over all shards. */
export interface Measured {
  metrics: LoadMetrics;
  endpoints: Readonly<Record<string, EndpointMetrics>>;
  /** Seconds of load so far: what counters are divided by for their rate. */
  seconds: number;
  /** Milliseconds at this percentile, of an endpoint or (null) of all; null when nothing was measured. */
  percentile(metric: DurationMetric, endpoint: string | null, percentile: number): number | null;
}

/**
 * Whether a threshold holds. With nothing to measure it does not (a test that measured nothing proves nothing), and
 * `actual` is null: while a test runs, such a result is no reason to abort it.
 */
export function judge({ metric, expression }: ThresholdConfig, measured: Measured): ThresholdResult {
  const { threshold, fault } = parseThreshold(metric, expression);
  if (fault !== undefined) throw new Error(`A threshold of a test is faulty: ${fault.message}`);
  const actual = figureOf(threshold, measured);
  const ok = actual !== null && comparisons[threshold.comparison](actual, threshold.limit);
  return { metric, expression, ok, actual };
}

function figureOf({ metric, endpoint, aggregate }: Threshold, measured: Measured): number | null {
  if (isOfRun(metric)) return aggregated(runFigure(metric, measured.metrics), aggregate, measured.seconds);
  const of = endpoint === null ? measured.metrics : measured.endpoints[endpoint];
  if (of === undefined) return null;
  if (metric === 'http_req_failed') return of.http_reqs.count === 0 ? null : of.http_req_failed.rate;
  if (metric === 'http_reqs') return aggregated(of.http_reqs.count, aggregate, measured.seconds);
  if (metric === 'data_received' || metric === 'data_sent') {
    return aggregated(of[metric], aggregate, measured.seconds);
  }
  if (typeof aggregate === 'object') return measured.percentile(metric, endpoint, aggregate.percentile);
  const isEmpty = measured.percentile(metric, endpoint, 50) === null;
  return isEmpty ? null : trendFigure(of[metric], aggregate);
}

const runFigure = (metric: RunMetricName, metrics: LoadMetrics): number =>
  metric === 'iterations' ? metrics.iterations.count : metrics[metric];

function trendFigure(trend: LoadMetrics['http_req_duration'], aggregate: Aggregate): number | null {
  const figures: Partial<Record<Aggregate, number>> = trend;
  return figures[aggregate] ?? null;
}

/** A counter's total or rate; a gauge's value. */
function aggregated(value: number, aggregate: Threshold['aggregate'], seconds: number): number | null {
  if (aggregate !== 'rate') return value;
  return seconds > 0 ? value / seconds : null;
}
