import type { Fault } from '../../../../../../shared/kernel/errors.ts';
import type { Stage } from '../plan.ts';

/**
 * What an executor asks for over time, in totals of the whole run. Closed: so many users, each sending again when it
 * has its answer. Open: so many arrivals, whatever becomes of those before.
 */
export type Schedule = ClosedSchedule | OpenSchedule;

export interface ClosedSchedule {
  model: 'closed';
  maxUsers: number;
  usersAt(elapsedMs: number): number;
}

export interface OpenSchedule {
  model: 'open';
  maxUsers: number;
  /** How many arrivals are due in the first `elapsedMs` milliseconds, with the fraction of the next one. */
  arrivalsBy(elapsedMs: number): number;
  /** When the number of arrivals reaches `arrivals`; Infinity when it never does. The inverse of `arrivalsBy`. */
  timeOf(arrivals: number): number;
}

/** One kind of load: a file each. */
export interface ExecutorKind<E> {
  /** Everything wrong with it, pointers relative to the executor. */
  faultsOf(executor: E): Fault[];
  /** In one line, for people: k6's words. */
  describe(executor: E): string;
  durationMsOf(executor: E): number;
  schedule(executor: E): Schedule;
}

export function atLeast(pointer: string, value: number, minimum: number, whole = true): Fault[] {
  if (value >= minimum && Number.isFinite(value) && (!whole || Number.isInteger(value))) return [];
  const detail = `must be ${whole ? 'a whole number' : 'a number'} from ${minimum}, not ${value}`;
  return [{ pointer, code: 'out_of_range', detail }];
}

export function stageFaults(stages: readonly Stage[]): Fault[] {
  const faults = stages.flatMap(({ durationMs, target }, index) => [
    ...atLeast(`/stages/${index}/durationMs`, durationMs, 0, false),
    ...atLeast(`/stages/${index}/target`, target, 0, false),
  ]);
  if (faults.length === 0 && stagesDurationMs(stages) === 0) {
    faults.push({ pointer: '/stages', code: 'too_short', detail: 'the stages must take some time' });
  }
  return faults;
}

export const stagesDurationMs = (stages: readonly Stage[]): number =>
  stages.reduce((sum, stage) => sum + stage.durationMs, 0);

export const showSeconds = (ms: number): string => `${Number((ms / 1000).toFixed(3))}s`;
