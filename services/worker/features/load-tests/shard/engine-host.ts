import { Worker } from 'node:worker_threads';
import type { Delta } from '../engine/delta.ts';
import type { AccountList } from '../engine/engine-parts.ts';
import type { EngineAccount, EngineControl, EnginePlan } from '../engine/plan.ts';
import type { EngineNews, EngineOrder, EngineThreadInput } from './engine-messages.ts';
import type { SendFence } from './send-fence.ts';

/** An engine in a thread of its own, seen from the main thread; the calls are those of `Engine`. */
export interface EngineThread {
  /** Resolves when the engine can be started; rejects when it cannot be made (a plan with faults). */
  readonly ready: Promise<void>;
  /** `elapsedMs` of the run at this moment; negative to begin later. */
  start(elapsedMs: number): void;
  control(control: EngineControl): void;
  setAccounts(accounts: AccountList): void;
  setAccount(position: number, account: EngineAccount | undefined): void;
  /** Calls back for each user that waits for a new session. */
  onUnauthorized(callback: (position: number) => void): void;
  /** Calls back, once at most, when what it sends cannot be counted in its file any more. */
  onUncounted(callback: (reason: string) => void): void;
  /** Calls back with one delta a second, on the seconds of the run, and with the last one before `ended`. */
  onDelta(callback: (delta: Delta) => void): void;
  stop(): void;
  /** No connection is left within about 100 ms: a thread that does not say so by then is terminated. */
  abort(): void;
  /** Resolves when the thread is gone and its last delta was given; rejects when it died by itself. */
  readonly ended: Promise<void>;
  terminate(): Promise<void>;
}

const abortMs = 100;

/**
 * Left to itself, V8 takes four times what lives before it collects, and never gives it back: 5,000 users, who need 50 MB,
 * then hold 300 MB. By these limits it collects when there is half as much again. An engine that reaches the second one
 * (a target that fills the jars of all users with cookies) fails alone, and its worker goes on.
 */
const heapLimits = { maxYoungGenerationSizeMb: 24, maxOldGenerationSizeMb: 1024 };

export interface EngineThreadOptions {
  accounts?: AccountList;
  /** Whether a user whose session the target refuses waits for a new one. */
  renews?: boolean;
  /** Closed, it keeps all requests back; `control({ paused: false })` tells that it is open again. */
  fence?: SendFence;
  /** The file to count sent requests in (`send-journal.ts`), open until the thread has ended. */
  journal?: number | undefined;
}

export function startEngineThread(
  plan: EnginePlan,
  { accounts = [], renews = false, fence, journal }: EngineThreadOptions = {},
): EngineThread {
  const workerData: EngineThreadInput = { plan, accounts, renews, fence: fence?.memory, journal };
  const thread = new Worker(new URL('./engine-thread.ts', import.meta.url), {
    workerData,
    name: 'load-engine',
    resourceLimits: heapLimits,
  });
  const listeners: ((delta: Delta) => void)[] = [];
  let tellUnauthorized: (position: number) => void = () => {};
  let tellUncounted: (reason: string) => void = () => {};
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const order = (message: EngineOrder) => thread.postMessage(message);
  let isExpectedToEnd = false;

  thread.on('message', (news: EngineNews) => {
    if (news.type === 'ready') ready.resolve();
    else if (news.type === 'delta') for (const listener of listeners) listener(news.delta);
    else if (news.type === 'unauthorized') tellUnauthorized(news.position);
    else if (news.type === 'uncounted') tellUncounted(news.reason);
    else void terminate();
  });
  thread.on('error', fail);
  thread.on('exit', code => {
    if (isExpectedToEnd) ended.resolve();
    fail(new Error(`The engine's thread ended by itself, with code ${code}`));
  });
  for (const { promise } of [ready, ended]) promise.catch(() => {}); // whoever awaits them is told all the same

  function fail(error: unknown): void {
    ready.reject(error);
    ended.reject(error);
  }

  async function terminate(): Promise<void> {
    isExpectedToEnd = true;
    await thread.terminate();
  }

  return {
    ready: ready.promise,
    start: elapsedMs => order({ type: 'start', elapsedMs, sentAt: process.hrtime.bigint() }),
    control: control => order({ type: 'control', control }),
    setAccounts: list => order({ type: 'accounts', accounts: list }),
    setAccount: (position, account) => order({ type: 'account', position, account }),
    onUnauthorized(callback) {
      tellUnauthorized = callback;
    },
    onUncounted(callback) {
      tellUncounted = callback;
    },
    onDelta: callback => void listeners.push(callback),
    stop: () => order({ type: 'stop' }),
    abort() {
      order({ type: 'abort' });
      setTimeout(() => void terminate(), abortMs).unref();
    },
    ended: ended.promise,
    terminate,
  };
}
