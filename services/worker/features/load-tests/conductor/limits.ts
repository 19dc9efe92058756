import type { LoadTestConfig } from '../../../../../shared/contracts/load-tests.ts';

/** What was seen of late, by second of the run: enough for the limits, whatever the length of the run. */
export interface Recent {
  note(second: number, counts: Counts): void;
  /** The newest second that anything was reported of; -1 before the first. */
  latest(): number;
  /** The sum over the last `seconds` seconds. */
  sum(seconds: number): Counts;
}

interface Counts {
  requests: number;
  failed: number;
}

const minute = 60;

export function createRecent(): Recent {
  const bySecond = new Map<number, Counts>();
  let latest = -1;
  return {
    note(second, { requests, failed }) {
      latest = Math.max(latest, second);
      const counts = bySecond.get(second) ?? { requests: 0, failed: 0 };
      bySecond.set(second, { requests: counts.requests + requests, failed: counts.failed + failed });
      for (const old of bySecond.keys()) if (old <= latest - minute) bySecond.delete(old);
    },
    latest: () => latest,
    sum(seconds) {
      const total: Counts = { requests: 0, failed: 0 };
      for (const [second, { requests, failed }] of bySecond) {
        if (second <= latest - seconds) continue;
        total.requests += requests;
        total.failed += failed;
      }
      return total;
    },
  };
}

/** Whether more requests failed within a minute than the test allows. */
export const passesErrorLimit = (recent: Recent, { max_errors_per_minute }: LoadTestConfig): boolean =>
  recent.sum(minute).failed > max_errors_per_minute;

/** Seconds that load reduction looks back, and waits after each step. */
const windowSeconds = 10;
/** Less than this is never left of the load. */
const leastFactor = 0.1;

export interface LoadStep {
  factor: number;
  /** Share of requests that failed. */
  errorRate: number;
}

/**
 * Load reduction: one step down while more fails than the limit, one step up while less than half of it does. A step
 * is judged only by what came after it.
 * @param changedAt the second of the last step
 * @returns the step to take now, if any
 */
export function nextLoadStep(
  recent: Recent,
  limits: LoadTestConfig['load_reduction'],
  { factor, changedAt }: { factor: number; changedAt: number },
): LoadStep | undefined {
  if (limits === null || recent.latest() < changedAt + windowSeconds) return undefined;
  const { requests, failed } = recent.sum(windowSeconds);
  if (requests === 0) return undefined;
  const errorRate = failed / requests;
  const next = stepFrom(factor, errorRate, limits);
  return next === factor ? undefined : { factor: next, errorRate };
}

function stepFrom(
  factor: number,
  errorRate: number,
  limits: NonNullable<LoadTestConfig['load_reduction']>,
): number {
  if (errorRate > limits.error_rate) return Math.max(leastFactor, factor * limits.factor);
  if (errorRate < limits.error_rate / 2) return Math.min(1, factor / limits.factor);
  return factor;
}
