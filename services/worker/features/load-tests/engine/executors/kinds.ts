import type { Fault } from '../../../../../../shared/kernel/errors.ts';
import type { Executor } from '../plan.ts';
import { constantArrivalRate } from './constant-arrival-rate.ts';
import { constantVus } from './constant-vus.ts';
import type { ExecutorKind, Schedule } from './executor.ts';
import { rampingArrivalRate } from './ramping-arrival-rate.ts';
import { rampingVus } from './ramping-vus.ts';

/** What one executor says of itself. */
export interface ExecutorFacts {
  faults: Fault[];
  description: string;
  durationMs: number;
  schedule(): Schedule;
}

/** The registry of executors: a new kind of load is a file and a line here. */
export function factsOf(executor: Executor): ExecutorFacts {
  switch (executor.type) {
    case 'constant-vus':
      return facts(constantVus, executor);
    case 'ramping-vus':
      return facts(rampingVus, executor);
    case 'constant-arrival-rate':
      return facts(constantArrivalRate, executor);
    case 'ramping-arrival-rate':
      return facts(rampingArrivalRate, executor);
  }
}

const facts = <E>(kind: ExecutorKind<E>, executor: E): ExecutorFacts => ({
  faults: kind.faultsOf(executor),
  description: kind.describe(executor),
  durationMs: kind.durationMsOf(executor),
  schedule: () => kind.schedule(executor),
});
