import { isTerminal } from '../../../../shared/contracts/job.ts';
import type { Executor } from '../../../../shared/platform/db.ts';
import { type JobEvent, readJobEvents } from '../../../../shared/store/job-events.ts';
import { findJob } from '../../../../shared/store/jobs.ts';
import type { EventHub } from './event-hub.ts';

const pageSize = 500;
const heartbeatMs = 15_000;
/** How long a stream relies on notifications before it looks by itself. */
const pollMs = 5_000;

export interface EventStreamOptions {
  db: Executor;
  hub: EventHub;
  jobId: string;
  /** The last event that the client has; 0 for all. */
  afterId: number;
  signal: AbortSignal;
}

/**
 * A job's events in the format of server-sent events (WHATWG HTML, section 9.2): those that are there, then
 * those that come, until the job has ended and its last event is sent.
 */
export async function* streamJobEvents({ db, hub, jobId, afterId, signal }: EventStreamOptions) {
  const bell = createBell(signal);
  const unsubscribe = hub.subscribe(jobId, bell.ring);
  try {
    let seen = afterId;
    let spokeAt = performance.now();
    yield 'retry: 1000\n\n';
    while (!signal.aborted) {
      const ended = await hasEnded(db, jobId);
      const events = await readJobEvents(db, jobId, seen, pageSize);
      for (const event of events) yield format(event);
      seen = events.at(-1)?.id ?? seen;
      if (events.length > 0) spokeAt = performance.now();
      if (events.length === pageSize) continue;
      if (ended) return; // it had ended before the events were read, so these were the last
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

const format = ({ id, event, data }: JobEvent): string =>
  `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

async function hasEnded(db: Executor, jobId: string): Promise<boolean> {
  const row = await findJob(db, jobId);
  return row === undefined || isTerminal(row.status);
}

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
