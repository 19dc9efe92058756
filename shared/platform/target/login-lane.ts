import { backoffMs, sleep } from '../../kernel/time.ts';
import {
  type Credentials,
  isLoggedIn,
  type LoginClient,
  type LoginFailure,
  type LoginOutcome,
} from './login-client.ts';
import type { LoginScript } from './login-request.ts';

/** Logins at one target that go at one pace: not faster than the rate, and not at all while the target asks to wait. */
export interface LoginLane {
  /** Tries until there is a session or a reason that will not pass. Rejects with the signal's reason. */
  logIn(credentials: Credentials): Promise<LoginOutcome>;
}

export interface LoginLaneOptions {
  client: Pick<LoginClient, 'logIn'>;
  origin: string;
  script: LoginScript;
  /** Requests a second; null leaves it to the number of logins under way. */
  ratePerSecond: number | null;
  signal?: AbortSignal;
  /** Before the second try; doubles with each further one, with jitter. */
  backoffBaseMs?: number;
}

const maxAttempts = 5;
const longestBackoffMs = 10_000;
/** A target that asks for more is not waited for. */
const longestWaitMs = 60_000;
const passing = new Set<string>(['rate_limited', 'http_5xx', 'timeout', 'dns', 'refused', 'reset']);

export function createLoginLane(options: LoginLaneOptions): LoginLane {
  const { client, origin, script, ratePerSecond, signal, backoffBaseMs = 500 } = options;
  const spacingMs = ratePerSecond === null ? 0 : 1000 / ratePerSecond;
  let nextAt = 0;
  let heldUntil = 0;

  /** Waits for this request's place; whoever was held on the way takes a new one. */
  async function turn(): Promise<void> {
    do {
      const now = performance.now();
      const at = Math.max(now, nextAt, heldUntil);
      nextAt = at + spacingMs;
      if (at > now) await sleep(at - now, signal);
    } while (heldUntil > performance.now());
  }

  /** How long to wait before the next try; undefined when there is none. A wait that was asked for holds all. */
  function waitAfter({ code, retryAfterMs }: LoginFailure, attempt: number): number | undefined {
    if (!passing.has(code) || attempt >= maxAttempts || (retryAfterMs ?? 0) > longestWaitMs) return undefined;
    const wait = retryAfterMs ?? backoffMs(attempt - 1, backoffBaseMs, longestBackoffMs);
    if (retryAfterMs !== undefined || code === 'rate_limited') {
      heldUntil = Math.max(heldUntil, performance.now() + wait);
    }
    return wait;
  }

  return {
    async logIn(credentials) {
      for (let attempt = 1; ; attempt++) {
        await turn();
        const outcome = await client.logIn(origin, script, credentials, signal);
        if (isLoggedIn(outcome)) return outcome;
        const wait = waitAfter(outcome, attempt);
        if (wait === undefined) return outcome;
        await sleep(wait, signal);
      }
    },
  };
}

/**
 * Does `work` for each item, so many at once. The first error, of the items themselves too, ends it once the others under
 * way are done.
 */
export async function forEachAtOnce<T>(
  items: Iterable<T> | AsyncIterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let failed = false;
  const take = async (): Promise<void> => {
    try {
      for (let next = await rest.next(); !next.done && !failed; next = await rest.next())
        await work(next.value);
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: atOnce }, take));
  const rejected = ends.find(end => end.status === 'rejected');
  if (rejected !== undefined) throw rejected.reason;
}
