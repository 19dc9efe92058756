import type { z } from 'zod';
import { type Trend, wasMeasured } from '../../../shared/contracts/load-metrics.ts';
import { endedLoadTestStatuses } from '../../../shared/contracts/load-tests.ts';
import type { listLoadTestsOperation, loadTestDetail } from '../../../shared/http/load-tests.ts';
import { facts, table } from '../output.ts';

export type LoadTest = z.output<typeof loadTestDetail>;

export const hasEnded = ({ status }: Pick<LoadTest, 'status'>): boolean =>
  endedLoadTestStatuses.some(ended => ended === status);

export const shortMs = (ms: number): string =>
  ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`;
export const shortPercent = (share: number): string => `${(share * 100).toFixed(2)} %`;

/** The lines that describe a load test to a person. */
export function describeLoadTest(test: LoadTest): string[] {
  const { metrics, config, reason } = test;
  const { http_req_duration: duration, http_reqs: requests } = metrics;
  return [
    `load test ${test.id} (${config.session_name}): ${test.status}${test.degraded ? ', degraded' : ''}`,
    ...facts([
      ['  target', config.target_url],
      ['  executor', config.executor],
      ['  users', `${test.active_users} now, ${metrics.vus_max} at most`],
      ['  requests', `${requests.count.toLocaleString('en')}, ${requests.rate.toFixed(1)} a second`],
      ['  duration', durationOf(duration)],
      ['  failed', `${shortPercent(metrics.http_req_failed.rate)} (${metrics.http_req_failed.passes})`],
    ]),
    ...test.thresholds.map(({ ok, metric, expression }) => `  ${ok ? '✓' : '✗'} ${metric} ${expression}`),
    ...test.shards.map(
      ({ shard, worker, status, requests: done }) =>
        `  shard ${shard}: ${worker}, ${status}, ${done} requests`,
    ),
    ...(reason === null ? [] : [`  reason  ${reason.code}: ${reason.message}`]),
    ...test.degraded_because.map(why => `  degraded  ${why}`),
  ];
}

const durationOf = (trend: Trend): string =>
  wasMeasured(trend) ? `median ${shortMs(trend.med)}, p95 ${shortMs(trend['p(95)'])}` : 'nothing measured';

type Page = z.output<(typeof listLoadTestsOperation)['responses'][200]['schema']>;

export const listed = ({ items }: Page): string[] =>
  table([
    ['LOAD TEST', 'STATUS', 'REQUESTS', 'P95', 'FAILED', 'STARTED', 'NAME'],
    ...items.map(({ id, status, metrics, started_at, config }) => [
      id,
      status,
      metrics.http_reqs.count.toLocaleString('en'),
      wasMeasured(metrics.http_req_duration) ? shortMs(metrics.http_req_duration['p(95)']) : '-',
      shortPercent(metrics.http_req_failed.rate),
      started_at ?? '-',
      config.session_name,
    ]),
  ]);
