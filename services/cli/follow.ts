import { backoffMs, sleep } from '../../shared/kernel/time.ts';
import type { Client } from './client.ts';
import type { ServerSentEvent } from './event-stream.ts';
import { CliFailure } from './failure.ts';

/**
 * Follows something to its end over its event stream. A lost stream is taken up again after the last event seen;
 * one that fails several times in a row is given up for polling (some proxies hold streams back). An API that
 * is away is waited for, as long as `patienceMs`: the work goes on without it.
 */
export interface Followed<T> {
  /** Its events after one of them. */
  events: (lastEventId: string) => AsyncIterable<ServerSentEvent>;
  /** @returns whether the event says that it has ended (or had, before a retry: it is looked at again) */
  onEvent: (event: ServerSentEvent) => boolean;
  /** Reads the present state. */
  look: () => Promise<T>;
  onLook?: (state: T) => void;
  hasEnded: (state: T) => boolean;
  /** The command that looks at it again. */
  again: string;
}

export interface FollowOptions {
  signal: AbortSignal;
  /** The pause between two looks, in milliseconds; doubles up to two seconds while the API is away. */
  retryMs?: number;
  patienceMs?: number;
}

const maxStreamFailures = 3;

/** @returns how it stands when it has ended */
export async function followToEnd<T>(
  client: Client,
  followed: Followed<T>,
  options: FollowOptions,
): Promise<T> {
  const { signal, retryMs = 300, patienceMs = 60_000 } = options;
  const stream = { lastEventId: '', failures: 0 };
  let heardAt = performance.now();
  for (let silent = 0; ; silent++) {
    const eventsBefore = stream.lastEventId;
    if (stream.failures < maxStreamFailures) await readStream(followed, stream, signal);
    const state = await lookNow(followed, signal);
    if (state !== undefined && followed.hasEnded(state)) return state;
    if (state !== undefined) followed.onLook?.(state);
    if (state !== undefined || stream.lastEventId !== eventsBefore) {
      heardAt = performance.now();
      silent = 0;
    }
    if (performance.now() - heardAt > patienceMs) throw lostSight(client, followed.again, patienceMs);
    await sleep(backoffMs(silent, retryMs, 2000), signal);
  }
}

/** Passes events on until the stream ends, breaks, or reports the end. */
async function readStream<T>(
  { events, onEvent }: Followed<T>,
  stream: { lastEventId: string; failures: number },
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const event of events(stream.lastEventId)) {
      stream.lastEventId = event.id || stream.lastEventId;
      stream.failures = 0;
      if (onEvent(event)) return;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (isRefusal(error)) throw error;
    stream.failures++;
  }
}

/** How it stands; undefined when the API is away for now. */
async function lookNow<T>({ look }: Followed<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    signal.throwIfAborted();
    if (isRefusal(error)) throw error;
    return undefined;
  }
}

/** An answer that would be the same the next time: nothing there, no valid key. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof CliFailure)) return true;
  const { status = 0 } = error;
  return error.kind === 'unauthorized' || (status >= 400 && status < 500 && status !== 429);
}

const lostSight = (client: Client, again: string, patienceMs: number): CliFailure =>
  new CliFailure('unreachable', `${client.url} has not answered for ${patienceMs / 1000} s`, {
    hint: `The work goes on. Look again with: npm run muster -- ${again}`,
  });
