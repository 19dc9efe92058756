import type { LoadTestResult, ThresholdResult } from '../../../../../shared/contracts/load-tests.ts';
import type { Measured } from '../../../../../shared/contracts/threshold-judge.ts';
import type { Executor } from '../../../../../shared/platform/postgres/db.ts';
import { appendLoadEvents, type NewLoadEvent } from '../../../../../shared/store/load-tests/load-events.ts';
import { setLoadFactor } from '../../../../../shared/store/load-tests/load-runs.ts';
import { type LoadTestRow, setStop } from '../../../../../shared/store/load-tests/load-tests.ts';
import { nextLoadStep, passesErrorLimit, type Recent } from './limits.ts';
import { thresholdReason } from './phase.ts';

type Reason = NonNullable<LoadTestResult['reason']>;

/**
 * What a test's own limits make of what was measured: too many errors or a failed threshold stop it, and load is
 * reduced while too much fails. To be called while the test's row is held.
 */
export function createEnforcer(recent: Recent) {
  let steppedAt = 0;

  async function adjustLoad(tx: Executor, { id, config, control }: LoadTestRow): Promise<void> {
    const before = control.load_factor;
    const step = nextLoadStep(recent, config.load_reduction, { factor: before, changedAt: steppedAt });
    if (step === undefined) return;
    steppedAt = recent.latest();
    await setLoadFactor(tx, id, step.factor);
    await appendLoadEvents(tx, id, [
      {
        type: step.factor < before ? 'load_reduced' : 'load_restored',
        message: `${percent(step.errorRate)} of requests failed: load ${percent(before)} → ${percent(step.factor)}`,
      },
    ]);
  }

  /** Gives why the test is to stop now, when it is. */
  return async (
    tx: Executor,
    test: LoadTestRow,
    measured: Measured,
    thresholds: ThresholdResult[],
  ): Promise<Reason | undefined> => {
    if (test.control.stop !== null) return undefined;
    const stop = passesErrorLimit(recent, test.config)
      ? errorLimit(test)
      : thresholdStop(test, measured, thresholds);
    if (stop === undefined) {
      await adjustLoad(tx, test);
      return undefined;
    }
    await setStop(tx, [test.id], 'graceful');
    await appendLoadEvents(tx, test.id, [{ type: stop.type, message: stop.reason.message }]);
    return stop.reason;
  };
}

interface Stop {
  type: NewLoadEvent['type'];
  reason: Reason;
}

const errorLimit = ({ config }: LoadTestRow): Stop => ({
  type: 'error_limit',
  reason: {
    code: 'error_limit',
    message: `More than ${config.max_errors_per_minute} requests failed within a minute`,
  },
});

function thresholdStop(
  { config }: LoadTestRow,
  { seconds }: Measured,
  results: ThresholdResult[],
): Stop | undefined {
  if (seconds === 0) return undefined; // nothing is reported yet, and counters are 0 for that
  const failed = results.filter((result, index) => {
    const threshold = config.thresholds[index];
    if (threshold?.abort_on_fail !== true || seconds < threshold.delay_abort_eval_seconds) return false;
    return !result.ok && result.actual !== null;
  });
  return failed.length === 0 ? undefined : { type: 'threshold_failed', reason: thresholdReason(failed) };
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;
