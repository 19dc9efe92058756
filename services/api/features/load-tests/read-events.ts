import type { z } from 'zod';
import type { loadTickSchema } from '../../../../shared/http/load-tests.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import { readLoadEvents } from '../../../../shared/store/load-tests/load-events.ts';
import { readTimeline } from '../../../../shared/store/load-tests/load-results.ts';
import { findLoadTest } from '../../../../shared/store/load-tests/load-tests.ts';
import type { Look, StreamEvent } from '../../event-stream.ts';
import { hasEnded, metricsOf } from './present.ts';

/**
 * Two sequences make one stream: the events of a test, by id, and the seconds of its timeline. An id of the stream
 * holds the position in both, `event * 2^22 + second + 1`: it grows with either, and 48 days of seconds and two
 * thousand million events fit into an exact number.
 */
const secondsBits = 2 ** 22;
const pageSize = 500;

/** The id after which a stream has all events, and the seconds after this one. */
export const idAfterSecond = (second: number): number => second + 1;

/** What a load test's stream has to tell after one of its ids. */
export async function lookAtLoadTest(db: Executor, testId: string, afterId: number): Promise<Look> {
  const row = await findLoadTest(db, testId);
  if (row === undefined) return { events: [], more: false, ended: true };
  const ended = hasEnded(row);
  const seenId = Math.floor(afterId / secondsBits);
  const found = await readLoadEvents(db, { testId, afterId: seenId - 1, limit: pageSize });
  // A retry deletes the events of the run before, and its seconds begin anew: who saw those has seen none of these.
  const isRestarted = seenId > 0 && found[0]?.id !== seenId;
  const afterSecond = isRestarted ? -1 : (afterId % secondsBits) - 1;
  const points = await readTimeline(db, { testId, afterSecond, limit: pageSize });
  // Shards report a second within moments of each other: the newest one may not be whole yet. One that is later still
  // changes the timeline, but is not told again: a stream that waited for it would be late with every second of a dead one.
  const whole = ended ? points : points.slice(0, -1);
  const events = found.filter(({ id }) => id > seenId);
  const told: StreamEvent[] = events.map(({ id, event }) => ({
    id: id * secondsBits + afterSecond + 1,
    event: event.type,
    data: event,
  }));
  const newestId = events.at(-1)?.id ?? seenId;
  const ticks = whole.map(point => {
    const data: z.input<typeof loadTickSchema> = { status: row.status, point, metrics: metricsOf(row) };
    return { id: newestId * secondsBits + point.second + 1, event: 'tick', data };
  });
  const more = found.length === pageSize || points.length === pageSize;
  return { events: [...told, ...ticks], more, ended };
}
