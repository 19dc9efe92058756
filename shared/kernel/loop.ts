import type { Service } from './lifecycle.ts';
import { sleep } from './time.ts';

/** A background service: something done again and again, on its own, until the process stops. */
export interface Loop<T> extends Service {
  /** One round, for tests and for callers that cannot wait for the next. */
  runOnce(): Promise<T>;
  /** Runs a first round at once. */
  start(): void;
}

export interface LoopOptions<T> {
  name: string;
  /** From the end of a round to the start of the next. */
  intervalMs: number;
  runOnce: () => Promise<T>;
  /** A round that fails is told here, and the next one comes all the same. */
  onError: (error: unknown) => void;
}

/** Rounds never overlap; a stop waits for the one that runs. */
export function createLoop<T>({ name, intervalMs, runOnce, onError }: LoopOptions<T>): Loop<T> {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  async function runUntilStopped(): Promise<void> {
    while (!stopping.signal.aborted) {
      await runOnce().catch(onError);
      await sleep(intervalMs, stopping.signal).catch(() => {}); // the stop ends the sleep
    }
  }

  return {
    name,
    runOnce,
    start() {
      running ??= runUntilStopped();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
