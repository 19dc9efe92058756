import {
  type EndpointMetrics,
  type LoadMetrics,
  type Trend,
  wasMeasured,
} from '../../../../shared/contracts/load-metrics.ts';
import type { ThresholdResult } from '../../../../shared/contracts/load-tests.ts';
import type { LoadTestRow } from '../../../../shared/store/load-tests/load-tests.ts';
import { actualOf, bytes, milliseconds, nothingMeasured, percent, seconds, subjectOf } from './format.ts';
import { hasEnded, metricsOf } from './present.ts';

/**
 * A load test as text, in the layout and with the metric names of k6's end-of-test summary. What k6 does not have
 * (`http_req_response_time`, errors by kind) stands among its own.
 */
type Line = [name: string, value: string];

export function summaryOf(row: LoadTestRow, because: readonly string[] = []): string {
  const metrics = metricsOf(row);
  const blocks = [
    headOf(row, because),
    ...(row.thresholds.length > 0 ? ['  █ THRESHOLDS', thresholdsOf(row.thresholds)] : []),
    '  █ TOTAL RESULTS',
    section('HTTP', httpOf(metrics, endpointsOf(row))),
    section('ERRORS', errorsOf(metrics)),
    section('LOGINS', loginsOf(metrics)),
    section('EXECUTION', executionOf(metrics)),
    section('NETWORK', networkOf(metrics)),
  ];
  return `${blocks.filter(block => block !== '').join('\n\n')}\n`;
}

function headOf(
  { config, status, degraded, reason, ...row }: LoadTestRow,
  because: readonly string[],
): string {
  const now = hasEnded(row) ? '' : ', not over yet';
  return [
    `     load test: ${oneLine(config.session_name)} (${row.id})`,
    `        target: ${config.target_url}`,
    `      executor: ${config.executor}, ${seconds(config.duration_seconds)}`,
    `        status: ${status}${degraded ? ', degraded: less load than asked' : ''}${now}`,
    ...(reason === null ? [] : [`        reason: ${oneLine(reason.message)} [${reason.code}]`]),
    ...because.map((why, index) => `${(index === 0 ? 'degraded:' : '').padStart(15)} ${oneLine(why)}`),
  ].join('\n');
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

function thresholdsOf(results: readonly ThresholdResult[]): string {
  const byMetric = Map.groupBy(results, ({ metric }) => metric);
  return [...byMetric]
    .map(([metric, of]) => [`    ${metric}`, ...of.map(thresholdLine)].join('\n'))
    .join('\n\n');
}

const thresholdLine = (result: ThresholdResult): string =>
  `    ${result.ok ? '✓' : '✗'} '${result.expression}' ${subjectOf(result.expression)}=${actualOf(result)}`;

function section(title: string, lines: readonly Line[]): string {
  if (lines.length === 0) return '';
  const width = Math.max(...lines.map(([name]) => name.length)) + 4;
  const rows = lines.map(([name, value]) => `    ${name.padEnd(width, '.')}: ${value}`);
  return [`    ${title}`, ...rows].join('\n');
}

/** In the order of the configuration. */
function endpointsOf({ config, endpoints }: LoadTestRow): [string, EndpointMetrics][] {
  return config.endpoints.flatMap(({ name }): [string, EndpointMetrics][] => {
    const metrics = endpoints[name];
    return metrics === undefined ? [] : [[name, metrics]];
  });
}

function httpOf(metrics: LoadMetrics, endpoints: [string, EndpointMetrics][]): Line[] {
  const lines = (name: string, value: (of: EndpointMetrics) => string): Line[] => [
    [name, value(metrics)],
    ...endpoints.map(([endpoint, of]): Line => [`  { name:${oneLine(endpoint)} }`, value(of)]),
  ];
  return [
    ...lines('http_req_duration', of => trendText(of.http_req_duration)),
    ['http_req_response_time', trendText(metrics.http_req_response_time)],
    ...lines(
      'http_req_failed',
      ({ http_req_failed: { rate, passes, fails } }) => `${percent(rate)} ${passes} out of ${passes + fails}`,
    ),
    ...lines('http_reqs', ({ http_reqs }) => counterText(http_reqs)),
    ...interruptedOf(metrics),
  ];
}

/** Requests that were sent, and are in none of the figures because their end was not seen. */
const interruptedOf = ({ http_reqs_interrupted: count = 0 }: LoadMetrics): Line[] =>
  count === 0
    ? []
    : [['http_reqs_interrupted', count === null ? 'unknown: a worker was lost' : String(count)]];

/** In k6's order: what comes from the database has lost it. */
const trendFigures = ['avg', 'min', 'med', 'max', 'p(90)', 'p(95)', 'p(99)'] as const;

const trendText = (trend: Trend): string =>
  wasMeasured(trend)
    ? trendFigures.map(name => `${name}=${milliseconds(trend[name])}`).join(' ')
    : nothingMeasured;

const counterText = ({ count, rate }: { count: number; rate: number }): string =>
  `${count} ${Number(rate.toFixed(2))}/s`;

const errorsOf = ({ errors }: LoadMetrics): Line[] =>
  Object.entries(errors)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => [kind, String(count)]);

/** The lines on logins of the users' accounts, which are not part of the load. */
function loginsOf({ logins, login_duration }: LoadMetrics): Line[] {
  if (logins === undefined || logins.count + logins.failed === 0) return [];
  return [
    ['logins', `${logins.count} ${logins.failed} failed`],
    ...(login_duration ? [['login_duration', trendText(login_duration)] satisfies Line] : []),
  ];
}

const executionOf = ({ iterations, dropped_iterations, vus, vus_max }: LoadMetrics): Line[] => [
  ['iterations', counterText(iterations)],
  ...(dropped_iterations > 0 ? [['dropped_iterations', String(dropped_iterations)] satisfies Line] : []),
  ['vus', String(vus)],
  ['vus_max', String(vus_max)],
];

function networkOf({ data_received, data_sent, http_reqs }: LoadMetrics): Line[] {
  const elapsed = http_reqs.rate > 0 ? http_reqs.count / http_reqs.rate : 0;
  const line = (name: string, total: number): Line => [
    name,
    elapsed > 0 ? `${bytes(total)} ${bytes(total / elapsed)}/s` : bytes(total),
  ];
  return [line('data_received', data_received), line('data_sent', data_sent)];
}
