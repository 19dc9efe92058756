import type { Request } from 'express';
import { refuse } from '../../shared/http/faults.ts';
import type { ChannelHub } from './channel-hub.ts';
import { type StreamReply, stream } from './route.ts';

const heartbeatMs = 15_000;
/** How long a stream relies on notifications before it looks by itself. */
const pollMs = 5_000;

/** One server-sent event; ids ascend within a stream. */
export interface StreamEvent {
  id: number;
  event: string;
  data: unknown;
}

/** What one reading of the stored events found. */
export interface Look {
  events: StreamEvent[];
  /** There may be more to read at once. */
  more: boolean;
  /** The thing had ended before its events were read: no others will come. */
  ended: boolean;
}

export interface EventStreamOptions {
  hub: ChannelHub;
  /** The thing whose notifications wake the stream: a job, or a load test. */
  id: string;
  /** The events after this one. */
  look: (afterId: number) => Promise<Look>;
  request: Request;
  signal: AbortSignal;
  /** Where it begins without `Last-Event-ID`; default: 0, at the first event. */
  firstAfterId?: number;
}

/**
 * Server-sent events (WHATWG HTML, section 9.2): those that are there after `Last-Event-ID`, then those that come,
 * with a comment in silence, until what they are of has ended and its last event is sent. A stream ends early, too, within
 * seconds after the key or session that it was asked for with: who asks to go on from there is answered 401.
 */
export function eventStream(options: EventStreamOptions): StreamReply {
  const afterId = lastEventId(options.request.get('Last-Event-ID')) ?? options.firstAfterId ?? 0;
  return stream('text/event-stream', tell(options, afterId), {
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
  });
}

function lastEventId(header: string | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  const id = Number(header);
  if (Number.isSafeInteger(id) && id >= 0) return id;
  throw refuse('header:Last-Event-ID', 'wrong_type', 'must be the id of an event');
}

async function* tell({ hub, id, look, request, signal }: EventStreamOptions, afterId: number) {
  const bell = createBell(signal);
  const unsubscribe = hub.subscribe(id, bell.ring);
  try {
    let seen = afterId;
    let spokeAt = performance.now();
    let knownAt = spokeAt;
    yield 'retry: 1000\n\n';
    while (!signal.aborted) {
      if (performance.now() - knownAt >= pollMs) {
        if (!(await request.isStillKnown?.())) return;
        knownAt = performance.now();
      }
      const { events, more, ended } = await look(seen);
      for (const event of events) yield format(event);
      seen = events.at(-1)?.id ?? seen;
      if (events.length > 0) spokeAt = performance.now();
      if (more) continue;
      if (ended) return;
      if (performance.now() - spokeAt >= heartbeatMs) {
        yield ': still here\n\n';
        spokeAt = performance.now();
      }
      await bell.rung(pollMs);
    }
  } finally {
    unsubscribe();
    bell.silence();
  }
}

const format = ({ id, event, data }: StreamEvent): string =>
  `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

/** Something to wait on: rung by a notification, by the abort, or after a while; a ring in between is kept. */
function createBell(signal: AbortSignal) {
  let ringing = false;
  let answer: (() => void) | undefined;
  const ring = () => {
    ringing = true;
    answer?.();
  };
  signal.addEventListener('abort', ring);
  return {
    ring,
    async rung(ms: number): Promise<void> {
      if (!ringing) {
        const { promise, resolve } = Promise.withResolvers<void>();
        answer = resolve;
        const timer = setTimeout(resolve, ms);
        await promise;
        clearTimeout(timer);
        answer = undefined;
      }
      ringing = false;
    },
    silence: () => signal.removeEventListener('abort', ring),
  };
}
