/**
 * Many coarse timers at the price of one: a wheel of slots, each a linked list through the timers themselves, so that
 * setting and clearing are a few assignments and no allocation (Varghese and Lauck, 1987). Every virtual user owns one
 * timer for as long as it lives, for its request's timeout or for its think time.
 */
const tickMs = 10;
const slotCount = 1024;
const latenessOverTicks = 16;

/** Embedded in what is to be woken; `fire` is called when the time has come. */
export interface WheelTimer {
  readonly fire: () => void;
  next: WheelTimer | undefined;
  previous: WheelTimer | undefined;
  /** The tick it is due at; -1 while it is not set. */
  dueTick: number;
}

export interface TimerWheel {
  /** Never early: for timeouts. */
  setAtLeast(timer: WheelTimer, delayMs: number): void;
  /** Some milliseconds early or late, right on average even below one tick: for think times. `random` is in [0, 1). */
  setAbout(timer: WheelTimer, delayMs: number, random: number): void;
  clear(timer: WheelTimer): void;
  stop(): void;
}

export const createWheelTimer = (fire: () => void): WheelTimer => ({
  fire,
  next: undefined,
  previous: undefined,
  dueTick: -1,
});

export function createTimerWheel(): TimerWheel {
  const startedAt = performance.now();
  // each slot is a ring whose head is a timer that never fires
  const slots = Array.from({ length: slotCount }, () => {
    const head = createWheelTimer(() => {});
    head.next = head;
    head.previous = head;
    return head;
  });
  let currentTick = 0;
  /**
   * How many ticks after its time a tick is looked at, on average: the event loop's turns keep no step with the ticks. A loop
   * that stood still counts as one tick late: users who made up for more would all come at once.
   */
  let lateness = 0;
  const interval = setInterval(turn, tickMs);

  function turn(): void {
    const now = (performance.now() - startedAt) / tickMs;
    while (currentTick + 1 <= now) {
      currentTick++;
      lateness += (Math.min(1, now - currentTick) - lateness) / latenessOverTicks;
      fireSlot(slots[currentTick % slotCount], currentTick);
    }
  }

  function insert(timer: WheelTimer, dueTick: number): void {
    if (timer.dueTick >= 0) unlink(timer);
    timer.dueTick = Math.max(dueTick, currentTick + 1);
    const head = slots[timer.dueTick % slotCount];
    if (head) linkBefore(head, timer);
  }

  const ticksFromStart = (delayMs: number): number => (performance.now() - startedAt + delayMs) / tickMs;

  return {
    setAtLeast: (timer, delayMs) => insert(timer, Math.ceil(ticksFromStart(delayMs))),
    setAbout: (timer, delayMs, random) =>
      insert(timer, Math.floor(ticksFromStart(delayMs) - lateness + random)),
    clear(timer) {
      if (timer.dueTick >= 0) unlink(timer);
    },
    stop: () => clearInterval(interval),
  };
}

/** What is due is taken out before any of it fires, since firing sets timers again, maybe in this very slot. */
function fireSlot(head: WheelTimer | undefined, tick: number): void {
  if (head === undefined || head.next === head) return;
  const due: WheelTimer[] = [];
  for (let timer = head.next; timer !== undefined && timer !== head; timer = timer.next) {
    if (timer.dueTick <= tick) due.push(timer);
  }
  for (const timer of due) {
    if (timer.dueTick < 0 || timer.dueTick > tick) continue; // another one, firing, cleared or set it
    unlink(timer);
    timer.fire();
  }
}

function linkBefore(head: WheelTimer, timer: WheelTimer): void {
  timer.next = head;
  timer.previous = head.previous;
  if (head.previous) head.previous.next = timer;
  head.previous = timer;
}

function unlink(timer: WheelTimer): void {
  if (timer.previous) timer.previous.next = timer.next;
  if (timer.next) timer.next.previous = timer.previous;
  timer.next = undefined;
  timer.previous = undefined;
  timer.dueTick = -1;
}
