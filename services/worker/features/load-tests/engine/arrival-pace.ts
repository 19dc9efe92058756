import type { OpenSchedule } from './executors/executor.ts';

/**
 * When each arrival of an open model is due, under changes while it runs. Times are computed from the schedule, never
 * from the arrival before, so that nothing drifts. A change starts a new piece at its moment, with as many arrivals as
 * were due until then: the count goes on without a jump, and while nothing is asked for it stands still.
 */
export interface ArrivalPace {
  /** Milliseconds of the run when the number of arrivals reaches `arrivals`; Infinity if not under this pace. */
  timeOf(arrivals: number): number;
  arrivalsBy(elapsedMs: number): number;
  change(pace: PaceChange, elapsedMs: number): void;
}

interface PaceChange {
  /** Multiplies what is asked for. */
  factor: number;
  /** Arrivals per millisecond, instead of the schedule's. */
  ratePerMs: number | null;
}

export function createArrivalPace(schedule: OpenSchedule): ArrivalPace {
  let pace: PaceChange = { factor: 1, ratePerMs: null };
  let fromMs = 0;
  let arrivalsBefore = 0;

  /** What the schedule, or the rate in its place, asks for between the start of this piece and then. */
  const asked = (elapsedMs: number): number =>
    pace.ratePerMs === null
      ? schedule.arrivalsBy(elapsedMs) - schedule.arrivalsBy(fromMs)
      : (elapsedMs - fromMs) * pace.ratePerMs;

  const arrivalsBy = (elapsedMs: number): number =>
    elapsedMs <= fromMs ? arrivalsBefore : arrivalsBefore + asked(elapsedMs) * pace.factor;

  return {
    arrivalsBy,
    timeOf(arrivals) {
      if (pace.factor <= 0) return Number.POSITIVE_INFINITY;
      const left = (arrivals - arrivalsBefore) / pace.factor;
      if (pace.ratePerMs === null)
        return Math.max(fromMs, schedule.timeOf(schedule.arrivalsBy(fromMs) + left));
      return pace.ratePerMs <= 0 ? Number.POSITIVE_INFINITY : fromMs + left / pace.ratePerMs;
    },
    change(next, elapsedMs) {
      const nowMs = Math.max(0, elapsedMs);
      arrivalsBefore = arrivalsBy(nowMs);
      fromMs = nowMs;
      pace = next;
    },
  };
}
