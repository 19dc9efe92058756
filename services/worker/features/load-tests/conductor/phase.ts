import type {
  LoadTestResult,
  LoadTestStatus,
  ThresholdResult,
} from '../../../../../shared/contracts/load-tests.ts';
import type { HeldRun } from '../../../../../shared/store/load-tests/load-runs.ts';
import type { LoadShardRow } from '../../../../../shared/store/load-tests/load-shards.ts';
import type { LoadTestRow } from '../../../../../shared/store/load-tests/load-tests.ts';
import { gracefulStopMs, scheduleMsOf } from '../plan-of.ts';

/** Where a run stands, and how it ended: what the rows say, put into one word. */

/** The status of a test whose shards are placed and that goes on. */
export function statusOf({ test, elapsedMs }: HeldRun): LoadTestStatus {
  if (test.control.stop !== null) return 'stopping';
  if (elapsedMs === null || elapsedMs < 0) return 'starting';
  return test.control.paused ? 'paused' : 'running';
}

/** After the schedule, what requests under way may take, and the shards to write it down. */
const graceMs = gracefulStopMs + 10_000;

/** Beyond the grace: for ticks that waited while Postgres was away. A shard that is still not done never will be. */
const backlogMs = 60_000;

/**
 * Whether nothing more will come: every shard has ended, or those that have not are lost, and there is no time left in
 * which another worker could go on for them. Nor does a shard that renews its lease and never ends keep a run open.
 * @param stoppingMs since when a stop is known; 0 without one
 */
export function isOver(
  { test, elapsedMs }: HeldRun,
  shards: Pick<LoadShardRow, 'status'>[],
  stoppingMs: number,
): boolean {
  const open = shards.filter(({ status }) => status !== 'ended');
  const overdueMs = Math.max(stoppingMs, (elapsedMs ?? 0) - scheduleMsOf(test.config)) - graceMs;
  if (open.some(({ status }) => status !== 'lost')) return overdueMs > backlogMs;
  return open.length === 0 || test.control.stop !== null || overdueMs > 0;
}

type Conclusion = Pick<LoadTestResult, 'reason'> & { status: LoadTestResult['status']; degraded?: true };

/** What of its schedule a run went through, over all of its shards. */
export interface Coverage {
  /** 0 to 1. */
  share: number;
  /** Whether a shard misses more of it than a busy machine accounts for. */
  isShort: boolean;
}

/** With less than half of the load delivered, the figures say more about what is missing than about the target. */
const leastShare = 0.5;

/** How a run that is over has ended. */
export function conclude(
  test: LoadTestRow,
  { thresholds, requests, coverage }: { thresholds: ThresholdResult[]; requests: number; coverage: Coverage },
): Conclusion {
  const { reason, control } = test;
  if (reason !== null) return { status: reason.code === 'threshold_failed' ? 'failed' : 'aborted', reason };
  if (control.stop !== null) return { status: 'aborted', reason: stopReasons[control.stop] };
  if (requests === 0 && test.degraded) return { status: 'failed', reason: noShard };
  if (coverage.share < leastShare) return { status: 'failed', reason: incomplete(coverage), degraded: true };
  const failed = thresholds.filter(({ ok }) => !ok);
  const shortfall = coverage.isShort ? { degraded: true as const } : {};
  if (failed.length > 0) return { status: 'failed', reason: thresholdReason(failed), ...shortfall };
  return { status: 'succeeded', reason: null, ...shortfall };
}

const stopReasons = {
  graceful: { code: 'stopped', message: 'Somebody stopped the test' },
  emergency: { code: 'emergency_stopped', message: 'Somebody stopped all tests at once' },
};

/** Whether somebody wanted the end, so that the job counts as cancelled. */
export const wasStoppedBySomebody = ({ reason }: Pick<LoadTestResult, 'reason'>): boolean =>
  Object.values(stopReasons).some(({ code }) => code === reason?.code);

const incomplete = ({ share }: Coverage) => ({
  code: 'incomplete',
  message: `Only ${Math.floor(share * 100)} % of the load was delivered: workers were lost or cut off`,
});

export const noShard = { code: 'no_shard', message: 'No worker could run a shard of the test' };

export const thresholdReason = (failed: ThresholdResult[]) => ({
  code: 'threshold_failed',
  message: failed
    .map(({ metric, expression, actual }) => `${metric} is ${actual ?? 'not measured'}, not ${expression}`)
    .join('; '),
});
