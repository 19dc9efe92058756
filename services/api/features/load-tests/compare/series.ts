import type { TimelinePoint } from '../../../../../shared/contracts/load-metrics.ts';
import type { LoadTestConfig } from '../../../../../shared/contracts/load-tests.ts';
import type { Executor } from '../../../../../shared/platform/postgres/db.ts';
import { countChanges, readStopSecond } from '../../../../../shared/store/load-tests/load-events.ts';
import { readLastSecond, readTimelinePages } from '../../../../../shared/store/load-tests/load-results.ts';
import type { LoadTestRow } from '../../../../../shared/store/load-tests/load-tests.ts';

/** One second of all endpoints, or of one. */
export interface Second {
  requests: number;
  failed: number;
  /** Milliseconds; null where no answer came. */
  p95: number | null;
}

/** A run as it is compared: its seconds, by endpoint too. */
export interface Series {
  id: string;
  config: LoadTestConfig;
  degraded: boolean;
  /** How often somebody changed it while it ran. */
  changes: number;
  total: Second[];
  endpoints: Map<string, Second[]>;
}

/** Runs that went on for longer are thinned: this many seconds, evenly spread, say as much about the noise as all of them. */
const maxSeconds = 600;

/**
 * Reads the seconds of a run, but for the first and the last, which are not whole, those with a shard missing, and those
 * after its schedule or a stop, in which its last answers were waited for.
 */
export async function readSeries(db: Executor, row: LoadTestRow): Promise<Series> {
  const { id, config, degraded } = row;
  const end = Math.min(await readLastSecond(db, id), await endOfLoad(db, row));
  const step = Math.max(1, Math.ceil(end / maxSeconds));
  const kept: TimelinePoint[] = [];
  for await (const page of readTimelinePages(db, id))
    kept.push(...page.filter(({ second }) => second % step === 0));
  const most = kept.reduce((shards, point) => Math.max(shards, point.shards), 0);
  const whole = kept.filter(({ second, shards }) => second > 0 && second < end && shards === most);
  return {
    id,
    config,
    degraded,
    changes: await countChanges(db, id),
    total: whole.map(({ requests, failed, http_req_duration }) => ({
      requests,
      failed,
      p95: http_req_duration?.['p(95)'] ?? null,
    })),
    endpoints: new Map(config.endpoints.map(({ name }) => [name, whole.map(point => secondOf(point, name))])),
  };
}

/** The first second of which a run was not to send all the time. */
async function endOfLoad(db: Executor, { id, config: { duration_seconds } }: LoadTestRow): Promise<number> {
  const stoppedAt = await readStopSecond(db, id);
  return Math.floor(Math.min(duration_seconds, stoppedAt ?? duration_seconds));
}

function secondOf(point: TimelinePoint, endpoint: string): Second {
  const of = point.endpoints[endpoint];
  return { requests: of?.requests ?? 0, failed: of?.failed ?? 0, p95: of?.['p(95)'] ?? null };
}
