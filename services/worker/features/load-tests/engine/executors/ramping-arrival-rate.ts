import type { RampingArrivalRate } from '../plan.ts';
import { atLeast, type ExecutorKind, showSeconds, stageFaults, stagesDurationMs } from './executor.ts';

/**
 * A rate that rises and falls in straight lines. Arrivals by a time are the area below the line, so the time of an
 * arrival is the root of a quadratic: every arrival is placed exactly, and nothing adds up to a drift.
 */
export const rampingArrivalRate: ExecutorKind<RampingArrivalRate> = {
  faultsOf: ({ startRate, stages, timeUnitMs, maxVus }) => [
    ...atLeast('/startRate', startRate, 0, false),
    ...atLeast('/timeUnitMs', timeUnitMs, 1, false),
    ...atLeast('/maxVus', maxVus, 1),
    ...stageFaults(stages),
  ],
  describe: ({ startRate, stages, timeUnitMs, maxVus }) =>
    `Up to ${Math.max(startRate, ...stages.map(({ target }) => target))} requests per ${showSeconds(timeUnitMs)}` +
    ` for ${showSeconds(stagesDurationMs(stages))} over ${stages.length} stages (up to ${maxVus} users)`,
  durationMsOf: ({ stages }) => stagesDurationMs(stages),
  schedule: executor => {
    const slopes = slopesOf(executor);
    return {
      model: 'open',
      maxUsers: executor.maxVus,
      arrivalsBy: elapsedMs => arrivalsBy(slopes, elapsedMs),
      timeOf: arrivals => timeOf(slopes, arrivals),
    };
  },
};

/** One stage: from `startMs`, after `before` arrivals, the rate (per ms) goes from `from` to `to`. */
interface Slope {
  startMs: number;
  durationMs: number;
  before: number;
  arrivals: number;
  from: number;
  /** Change of the rate per ms. */
  steepness: number;
}

function slopesOf({ startRate, stages, timeUnitMs }: RampingArrivalRate): Slope[] {
  let from = startRate / timeUnitMs;
  let startMs = 0;
  let before = 0;
  return stages.map(({ durationMs, target }) => {
    const to = target / timeUnitMs;
    const arrivals = ((from + to) / 2) * durationMs;
    const steepness = durationMs === 0 ? 0 : (to - from) / durationMs;
    const slope = { startMs, durationMs, before, arrivals, from, steepness };
    startMs += durationMs;
    before += arrivals;
    from = to;
    return slope;
  });
}

function arrivalsBy(slopes: readonly Slope[], elapsedMs: number): number {
  const slope = slopes.findLast(({ startMs }) => startMs <= elapsedMs);
  if (slope === undefined) return 0;
  const ms = Math.min(elapsedMs - slope.startMs, slope.durationMs);
  return slope.before + slope.from * ms + (slope.steepness * ms * ms) / 2;
}

function timeOf(slopes: readonly Slope[], arrivals: number): number {
  const slope = slopes.find(({ before, arrivals: within }) => arrivals < before + within);
  if (slope === undefined) return Number.POSITIVE_INFINITY;
  const left = arrivals - slope.before;
  if (left <= 0) return slope.startMs;
  // the root in the form that does not cancel where the slope is nearly level
  const rateThen = Math.sqrt(Math.max(0, slope.from ** 2 + 2 * slope.steepness * left));
  const rates = slope.from + rateThen;
  return rates === 0 ? slope.startMs : slope.startMs + (2 * left) / rates; // 0: less than the square root can tell
}
