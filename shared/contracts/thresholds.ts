/**
 * Thresholds in k6's notation: a metric, with `{name:...}` for one endpoint, and an expression over it.
 *
 *   http_req_duration{name:home}   p(95) < 500        durations in milliseconds: avg min med max p(N)
 *   login_duration                 med < 300          the same, of the whole test only
 *   http_req_failed                rate < 0.01        a share, 0 to 1
 *   http_reqs                      count > 1000       counters: count, and rate by second
 *   vus                            value >= 50        gauges: the last value
 *
 * A text that is none gives a fault with its column and what would fit there.
 */
const metricKinds = {
  http_req_duration: 'trend',
  http_req_response_time: 'trend',
  login_duration: 'trend',
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
export type DurationMetric = {
  [Name in MetricName]: (typeof metricKinds)[Name] extends 'trend' ? Name : never;
}[MetricName];
/** What is kept of the whole test only, so that no `{name:...}` may follow it. */
const runMetrics = ['iterations', 'dropped_iterations', 'vus', 'vus_max', 'login_duration'] as const;
export type RunMetricName = (typeof runMetrics)[number];

const aggregates = {
  trend: ['avg', 'min', 'med', 'max'],
  rate: ['rate'],
  counter: ['count', 'rate'],
  gauge: ['value'],
} as const satisfies Record<Kind, readonly string[]>;
export type Aggregate = (typeof aggregates)[Kind][number];

const comparisons = ['<=', '>=', '===', '==', '!=', '<', '>'] as const;
export type Comparison = (typeof comparisons)[number];

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
  /** The column within that text, from 1. */
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
export const isDuration = (name: MetricName): name is DurationMetric => metricKinds[name] === 'trend';
export const isOfRun = (name: MetricName): name is RunMetricName => runMetrics.some(own => own === name);

function readMetric(text: string): Pick<Threshold, 'metric' | 'endpoint'> {
  const [metric = ''] = text.split('{', 1);
  if (!isMetric(metric)) {
    throw new Misread(1, `names no metric: write one of ${Object.keys(metricKinds).join(', ')}`);
  }
  const selector = text.slice(metric.length);
  if (selector === '') return { metric, endpoint: null };
  const column = metric.length + 1;
  if (isOfRun(metric)) throw new Misread(column, `has a selector, and ${metric} is of the whole test`);
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
  const found = comparisons.find(comparison => comparison === text);
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
