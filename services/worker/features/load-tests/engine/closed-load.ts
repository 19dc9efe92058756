import { backoffMs } from '../../../../../shared/kernel/time.ts';
import type { ClosedSchedule } from './executors/executor.ts';
import type { Load, LoadDeps } from './load.ts';
import type { EngineControl, EnginePlan } from './plan.ts';
import { shareOf } from './share.ts';
import type { VirtualUser } from './virtual-user.ts';

/**
 * Closed model: each user sends, waits for the answer, thinks, sends again. How many there are follows the schedule;
 * users that are too many leave when their request is done. After a request without an answer a user waits, longer
 * each time, so that a dead target is not hammered by users that fail at once.
 */
const followScheduleMs = 50;
const backoffBaseMs = 100;
const backoffCapMs = 5000;

export function createClosedLoad(
  schedule: ClosedSchedule,
  thinkTime: EnginePlan['thinkTime'],
  deps: LoadDeps,
): Load {
  const users: VirtualUser[] = [];
  const running = new Set<VirtualUser>();
  /** Users that the gate did not admit; `wake` lets them go on. */
  let parked = new Set<VirtualUser>();
  let think = thinkTime;
  let vusOverride: number | null = null;
  let loadFactor = 1;
  let target = 0;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  function follow(): void {
    const total = vusOverride ?? schedule.usersAt(Math.max(0, deps.elapsedMs()));
    const before = target;
    target = shareOf(Math.round(total * loadFactor), deps.share);
    if (target === before && running.size === target) return;
    deps.setUsers(target);
    for (let position = 0; position < target; position++) {
      const user = userAt(position);
      if (running.has(user)) continue;
      running.add(user);
      proceed(user);
    }
    for (const user of running) if (isSurplus(user) && user.rest()) retire(user);
  }

  function userAt(position: number): VirtualUser {
    const user = users[position] ?? deps.createUser(position, deps.share.index + position * deps.share.count);
    users[position] = user;
    return user;
  }

  const isSurplus = (user: VirtualUser): boolean =>
    stopped || (user.index - deps.share.index) / deps.share.count >= target;

  function proceed(user: VirtualUser): void {
    if (isSurplus(user)) retire(user);
    else if (deps.admits()) user.begin(performance.now());
    else parked.add(user);
  }

  function retire(user: VirtualUser): void {
    running.delete(user);
    parked.delete(user);
    user.releaseConnection();
    if (stopped && running.size === 0) deps.onDone();
  }

  return {
    start() {
      timer = setInterval(follow, followScheduleMs);
      follow();
    },
    apply(control: EngineControl) {
      if (control.vus !== undefined) vusOverride = control.vus;
      loadFactor = control.loadFactor ?? loadFactor;
      think = control.thinkTime ?? think;
      if (timer !== undefined && !stopped) follow();
    },
    wake() {
      const waiting = parked;
      parked = new Set();
      for (const user of waiting) proceed(user);
    },
    finished(user, lost) {
      user.lostInRow = lost ? user.lostInRow + 1 : 0;
      if (isSurplus(user)) return retire(user);
      const delayMs = lost
        ? backoffMs(user.lostInRow - 1, backoffBaseMs, backoffCapMs, user.random)
        : think.minMs + user.random() * (think.maxMs - think.minMs);
      if (delayMs > 0) user.sleep(delayMs);
      else proceed(user);
    },
    woken: proceed,
    stop() {
      stopped = true;
      clearInterval(timer);
      if (running.size === 0) return deps.onDone();
      for (const user of running) if (user.rest()) retire(user);
    },
    get running() {
      return running.size;
    },
    get allocated() {
      return Math.max(users.length, shareOf(schedule.maxUsers, deps.share));
    },
    users: () => users,
  };
}
