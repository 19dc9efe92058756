import { createArrivalPace } from './arrival-pace.ts';
import type { OpenSchedule } from './executors/executor.ts';
import type { LatencyRecorder } from './latency-histogram.ts';
import type { Load, LoadDeps } from './load.ts';
import type { EngineControl } from './plan.ts';
import { firstOfShare, shareOf } from './share.ts';
import type { VirtualUser } from './virtual-user.ts';

/**
 * Open model: requests start when they are due, whatever became of those before, as long as a user is free; an
 * arrival that finds none is dropped and counted. Late arrivals (a busy loop) start at once, with the start that was
 * intended, so that the delay shows in the response time.
 */
export interface OpenLoadDeps extends LoadDeps {
  timeUnitMs: number;
  /** Length of the run, milliseconds: what is due then or later never starts. */
  durationMs: number;
  onDropped(): void;
  /** How late starts are, microseconds: for measuring the engine itself. */
  lateness?: LatencyRecorder | undefined;
}

const longestTimerMs = 1000;

export function createOpenLoad(schedule: OpenSchedule, deps: OpenLoadDeps): Load {
  const pace = createArrivalPace(schedule);
  const users: VirtualUser[] = [];
  const free: VirtualUser[] = [];
  const wanted: EngineControl = {};
  let limit = shareOf(schedule.maxUsers, deps.share);
  let next = 0;
  let nextDueMs = Number.POSITIVE_INFINITY;
  let busy = 0;
  let started = false;
  let stopped = false;
  let turning = false;
  let timer: NodeJS.Timeout | undefined;

  function dueOf(arrival: number): number {
    const dueMs = pace.timeOf(arrival);
    return dueMs < deps.durationMs ? dueMs : Number.POSITIVE_INFINITY;
  }

  /** Starts all that is due by now; what becomes due meanwhile is for the next turn, so that the loop is never held. */
  function turn(): void {
    const nowMs = deps.elapsedMs();
    turning = true;
    while (nextDueMs <= nowMs && !stopped) {
      launch(nextDueMs, nowMs);
      next += deps.share.count;
      nextDueMs = dueOf(next);
    }
    turning = false;
    arm();
  }

  function arm(): void {
    clearTimeout(timer);
    if (stopped || nextDueMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.min(longestTimerMs, nextDueMs - deps.elapsedMs());
    timer = setTimeout(turn, Math.max(1, delayMs));
  }

  function launch(dueMs: number, nowMs: number): void {
    const user = busy < limit && deps.admits() ? takeUser() : undefined;
    if (user === undefined) {
      deps.onDropped();
      return;
    }
    busy++;
    deps.lateness?.record(Math.round((nowMs - dueMs) * 1000));
    user.begin(performance.now() - (deps.elapsedMs() - dueMs));
  }

  /** Ends the wait for a session, and that for a connection: such an arrival is not delivered. */
  function giveUp(user: VirtualUser): void {
    if (user.awaitsSession && user.rest()) busy--;
    if (!user.awaitsConnection || !user.rest()) return;
    busy--;
    deps.onDropped();
  }

  function takeUser(): VirtualUser {
    const kept = free.pop();
    if (kept !== undefined) return kept;
    const position = users.length;
    const user = deps.createUser(position, deps.share.index + position * deps.share.count);
    users.push(user);
    return user;
  }

  function repace(): void {
    const { paused = false, loadFactor = 1, rate = null } = wanted;
    const ratePerMs = rate === null ? null : rate / deps.timeUnitMs;
    pace.change({ factor: paused ? 0 : loadFactor, ratePerMs }, deps.elapsedMs());
    nextDueMs = dueOf(next);
    arm();
  }

  return {
    start(elapsedMs) {
      started = true;
      next = firstOfShare(pace.arrivalsBy(elapsedMs), deps.share);
      deps.setUsers(limit);
      repace();
    },
    apply(control: EngineControl) {
      Object.assign(wanted, control);
      if (typeof wanted.vus === 'number' || wanted.vus === null) {
        limit = shareOf(wanted.vus ?? schedule.maxUsers, deps.share);
        deps.setUsers(limit);
      }
      if (started && !stopped) repace();
    },
    wake() {},
    finished(user) {
      busy--;
      free.push(user);
      if (stopped) {
        if (busy === 0) deps.onDone();
        // Timers are of whole milliseconds: under load an answer is often the earlier moment to look.
      } else if (!turning && nextDueMs <= deps.elapsedMs()) turn();
    },
    woken() {},
    stop(atEnd) {
      if (atEnd && !stopped) turn();
      stopped = true;
      clearTimeout(timer);
      if (!atEnd) users.forEach(giveUp);
      if (busy === 0) deps.onDone();
    },
    get running() {
      return busy;
    },
    get allocated() {
      return users.length;
    },
    users: () => users,
  };
}
