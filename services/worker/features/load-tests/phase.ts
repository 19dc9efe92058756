import type {
  LoadTestResult,
  LoadTestStatus,
  ThresholdResult,
} from '../../../../shared/contracts/load-tests.ts';
import type { HeldRun } from '../../../../shared/store/load-runs.ts';
import type { LoadShardRow } from '../../../../shared/store/load-shards.ts';
import type { LoadTestRow } from '../../../../shared/store/load-tests.ts';
import { gracefulStopMs, scheduleMsOf } from './plan-of.ts';

/** Where a run stands, and how it ended: what the rows say, put into one word. */

/** The status of a test whose shards are placed and that goes on. */
export function statusOf({ test, elapsedMs }: HeldRun): LoadTestStatus {
  if (test.control.stop !== null) return 'stopping';
  if (elapsedMs === null || elapsedMs < 0) return 'starting';
  return test.control.paused ? 'paused' : 'running';
}

/** After the schedule, what requests under way may take, and the shards to write it down. */
const graceMs = gracefulStopMs + 10_000;

/**
 * Whether nothing more will come: every shard has ended, or those that have not are lost, and there is no time left in
 * which another worker could go on for them.
 */
export function isOver({ test, elapsedMs }: HeldRun, shards: Pick<LoadShardRow, 'status'>[]): boolean {
  const open = shards.filter(({ status }) => status !== 'ended');
  if (open.some(({ status }) => status !== 'lost')) return false;
  if (open.length === 0 || test.control.stop !== null) return true;
  return elapsedMs !== null && elapsedMs > scheduleMsOf(test.config) + graceMs;
}

type Conclusion = Pick<LoadTestResult, 'reason'> & { status: LoadTestResult['status'] };

/** How a run that is over has ended. */
export function conclude(test: LoadTestRow, thresholds: ThresholdResult[], requests: number): Conclusion {
  const { reason, control } = test;
  if (reason !== null) return { status: reason.code === 'threshold_failed' ? 'failed' : 'aborted', reason };
  if (control.stop !== null) return { status: 'aborted', reason: stopReasons[control.stop] };
  if (requests === 0 && test.degraded) return { status: 'failed', reason: noShard };
  const failed = thresholds.filter(({ ok }) => !ok);
  if (failed.length > 0) return { status: 'failed', reason: thresholdReason(failed) };
  return { status: 'succeeded', reason: null };
}

const stopReasons = {
  graceful: { code: 'stopped', message: 'Somebody stopped the test' },
  emergency: { code: 'emergency_stopped', message: 'Somebody stopped all tests at once' },
};

/** Whether somebody wanted the end, so that the job counts as cancelled. */
export const wasStoppedBySomebody = ({ reason }: Pick<LoadTestResult, 'reason'>): boolean =>
  Object.values(stopReasons).some(({ code }) => code === reason?.code);

export const noShard = { code: 'no_shard', message: 'No worker could run a shard of the test' };

export const thresholdReason = (failed: ThresholdResult[]) => ({
  code: 'threshold_failed',
  message: failed
    .map(({ metric, expression, actual }) => `${metric} is ${actual ?? 'not measured'}, not ${expression}`)
    .join('; '),
});
