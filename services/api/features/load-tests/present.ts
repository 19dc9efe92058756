import type { z } from 'zod';
import { errorKindSchema, type LoadMetrics } from '../../../../shared/contracts/load-metrics.ts';
import type { LoadTestConfig } from '../../../../shared/contracts/load-tests.ts';
import type { loadErrorSample } from '../../../../shared/http/load-test-results.ts';
import type { loadTest, loadTestDetail } from '../../../../shared/http/load-tests.ts';
import type { LoadErrorRow } from '../../../../shared/store/load-tests/load-results.ts';
import type { LoadShardRow } from '../../../../shared/store/load-tests/load-shards.ts';
import type { LoadTestRow } from '../../../../shared/store/load-tests/load-tests.ts';
import type { Actor } from '../../route.ts';
import { hideSecrets } from './hide-secrets.ts';

const noTrend = { avg: 0, min: 0, med: 0, max: 0, 'p(90)': 0, 'p(95)': 0, 'p(99)': 0 };

/** What a test has measured before its first second is over. */
const noMetrics: LoadMetrics = {
  http_reqs: { count: 0, rate: 0 },
  http_req_duration: noTrend,
  http_req_response_time: noTrend,
  http_req_failed: { rate: 0, passes: 0, fails: 0 },
  errors: {},
  statuses: {},
  data_received: 0,
  data_sent: 0,
  vus: 0,
  vus_max: 0,
  iterations: { count: 0, rate: 0 },
  dropped_iterations: 0,
};

/**
 * With what was sent and not counted, of a test that has ended: whoever conducted it wrote that down. Nobody did where it
 * ended without: none, if no start was ever set; else it is not known.
 */
export function metricsOf({ metrics, startAt, finishedAt }: LoadTestRow): LoadMetrics {
  const known = metrics ?? noMetrics;
  if (finishedAt === null) return known;
  return { http_reqs_interrupted: startAt === null ? 0 : null, ...known };
}

export const hasEnded = ({ finishedAt }: Pick<LoadTestRow, 'finishedAt'>): boolean => finishedAt !== null;

/** A viewer does not see what is secret in it. */
export const configFor = ({ role }: Actor, { config }: Pick<LoadTestRow, 'config'>): LoadTestConfig =>
  role === 'viewer' ? hideSecrets(config) : config;

export function presentLoadTest(row: LoadTestRow, reader: Actor): z.input<typeof loadTest> {
  const metrics = metricsOf(row);
  return {
    id: row.id,
    job_id: row.jobId,
    status: row.status,
    degraded: row.degraded,
    reason: row.reason,
    config: configFor(reader, row),
    control: row.control,
    created_at: row.createdAt.toISOString(),
    started_at: row.startAt?.toISOString() ?? null,
    finished_at: row.finishedAt?.toISOString() ?? null,
    active_users: hasEnded(row) ? 0 : metrics.vus,
    metrics,
    thresholds: row.thresholds,
  };
}

export const presentLoadTestDetail = (
  row: LoadTestRow,
  { shards, because }: { shards: readonly LoadShardRow[]; because: string[] },
  reader: Actor,
): z.input<typeof loadTestDetail> => ({
  ...presentLoadTest(row, reader),
  degraded_because: because,
  endpoints: row.endpoints,
  shards: shards.map(({ shard, worker, status, requests, interrupted, epoch }) => ({
    shard,
    worker,
    status,
    requests,
    interrupted,
    epoch,
  })),
});

export const presentError = (row: LoadErrorRow): z.input<typeof loadErrorSample> => ({
  second: row.atMs / 1000,
  endpoint: row.endpoint,
  kind: errorKindSchema.parse(row.kind),
  status: row.status,
  message: row.message,
  username: row.username,
  shard: row.shard,
});
