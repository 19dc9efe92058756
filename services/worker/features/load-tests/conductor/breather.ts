import { setImmediate as nextTurn } from 'node:timers/promises';

/** A hundredth of what a worker may be silent before its shards are taken from it. */
const longestTurnMs = 50;

/** To be awaited again and again in long work: lets go of the event loop when it has been held for long enough. */
export function createBreather(): () => Promise<void> {
  let begunAt = performance.now();
  return async () => {
    if (performance.now() - begunAt < longestTurnMs) return;
    await nextTurn();
    begunAt = performance.now();
  };
}
