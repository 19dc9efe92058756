import type { ConstantArrivalRate } from '../plan.ts';
import { atLeast, type ExecutorKind, showSeconds } from './executor.ts';

/** Requests that start at equal distances, the first at once. */
export const constantArrivalRate: ExecutorKind<ConstantArrivalRate> = {
  faultsOf: ({ rate, timeUnitMs, durationMs, maxVus }) => [
    ...atLeast('/rate', rate, Number.MIN_VALUE, false),
    ...atLeast('/timeUnitMs', timeUnitMs, 1, false),
    ...atLeast('/durationMs', durationMs, 1, false),
    ...atLeast('/maxVus', maxVus, 1),
  ],
  describe: ({ rate, timeUnitMs, durationMs, maxVus }) =>
    `${rate} requests per ${showSeconds(timeUnitMs)} for ${showSeconds(durationMs)} (up to ${maxVus} users)`,
  durationMsOf: ({ durationMs }) => durationMs,
  schedule: ({ rate, timeUnitMs, maxVus }) => ({
    model: 'open',
    maxUsers: maxVus,
    arrivalsBy: elapsedMs => (elapsedMs * rate) / timeUnitMs,
    timeOf: arrivals => (arrivals * timeUnitMs) / rate,
  }),
};
