import { AppError, messageOf } from '../../../../../shared/kernel/errors.ts';
import type { Delta } from './delta.ts';
import { createDrain } from './drain.ts';
import {
  type AccountList,
  accountAt,
  assembleEngine,
  type EngineOptions,
  type EngineParts,
} from './engine-parts.ts';
import { factsOf } from './executors/kinds.ts';
import { createHealthMonitor } from './health.ts';
import type { EngineAccount, EngineControl, EnginePlan } from './plan.ts';
import { faultsOfPlan, thinkTimeFaults } from './plan-faults.ts';

/** One engine's part of a run. Created, started, drained again and again, ended. */
export interface Engine {
  /** `elapsedMs` of the run: 0 is its start, more goes on in the middle of the schedule, less waits for the start. */
  start(at: { elapsedMs: number }): void;
  /** Before the start as well as while it runs. A part that does not fit is refused alone, with an event. */
  control(control: EngineControl): void;
  /** Sessions for this engine's users, in their order; users beyond the list begin it anew. Replaces those there were. */
  setAccounts(accounts: AccountList): void;
  /** The session of one user, which waits for it after a 401; undefined: there is none to be had. */
  setAccount(position: number, account: EngineAccount | undefined): void;
  /** What happened since the last drain. Good after the end too, once. */
  drain(): Delta;
  /** No new requests; those under way may take `gracefulStopMs` to complete, then they are cut off. */
  stop(): void;
  /** Destroys every connection at once; requests under way are not counted, but that they were started. */
  abort(): void;
  /** Resolves when the last request is done, be it by the schedule, a stop or an abort. Drain once more after it. */
  readonly ended: Promise<void>;
}

/** A start that is late by less is no takeover, but a busy machine: what was due meanwhile starts late, not never. */
const lateStartMs = 1000;

/** Throws `validation_failed` with all faults of the plan. Nothing is sent before `start`. */
export function createEngine(plan: EnginePlan, options: EngineOptions = {}): Engine {
  const faults = faultsOfPlan(plan);
  if (faults.length > 0)
    throw new AppError('validation_failed', 'The plan of the load test has faults', { faults });
  const parts = assembleEngine(plan, options);
  const { clock, load, gate, connections, accounts } = parts;
  const { durationMs } = factsOf(plan.executor);
  const health = createHealthMonitor();
  let timer: NodeJS.Timeout | undefined;

  function begin(elapsedMs: number): void {
    if (elapsedMs >= durationMs) {
      stop(true); // taken over too late
      return;
    }
    timer = setTimeout(stop, Math.max(0, durationMs - clock.elapsedMs()) + 1, true);
    load.start(elapsedMs);
  }

  function stop(atEnd: boolean): void {
    if (gate.stopping) return;
    clearTimeout(timer);
    timer = setTimeout(cutOff, plan.gracefulStopMs);
    load.stop(atEnd);
    gate.stopping = true;
  }

  function cutOff(): void {
    gate.cutOff = true;
    load.stop(false);
    connections.destroyAll(new Error('The run was stopped'));
  }

  return {
    start({ elapsedMs }) {
      clock.begin(elapsedMs);
      if (elapsedMs < 0) timer = setTimeout(begin, -elapsedMs, 0);
      else begin(elapsedMs < lateStartMs ? 0 : elapsedMs);
    },
    control: control => applyControl(parts, control),
    setAccounts(list) {
      accounts.list = list;
      for (const [position, user] of load.users().entries())
        user.session.setAccount(accountAt(list, position));
    },
    setAccount(position, account) {
      load.users()[position]?.renewed(account);
    },
    drain: createDrain(parts, health),
    stop: () => stop(false),
    abort() {
      stop(false);
      cutOff();
    },
    ended: parts.done.then(() => {
      clearTimeout(timer);
      health.stop();
    }),
  };
}

/** The pause first: nothing that is wrong with the rest may keep load going. */
function applyControl({ gate, choice, load, recorder }: EngineParts, control: EngineControl): void {
  const { weights, thinkTime, ...rest } = control;
  gate.paused = control.paused ?? gate.paused;
  load.apply(rest);
  const tryPart = (apply: () => void): void => {
    try {
      apply();
    } catch (error) {
      recorder.event('control', `A change of the load was refused: ${messageOf(error)}`);
    }
  };
  if (weights !== undefined) tryPart(() => choice.setWeights(weights));
  if (thinkTime !== undefined) tryPart(() => load.apply({ thinkTime: fittingThinkTime(thinkTime) }));
  if (control.paused === false) load.wake();
}

function fittingThinkTime(thinkTime: EnginePlan['thinkTime']): EnginePlan['thinkTime'] {
  const [fault] = thinkTimeFaults(thinkTime);
  if (fault !== undefined) throw new AppError('validation_failed', `${fault.pointer} ${fault.detail}`);
  return thinkTime;
}
