import type { z } from 'zod';
import type { loadTickSchema } from '../../../../shared/http/load-tests.ts';
import type { Executor } from '../../../../shared/platform/db.ts';
import { readLoadEvents } from '../../../../shared/store/load-events.ts';
import { readTimeline } from '../../../../shared/store/load-results.ts';
import { findLoadTest } from '../../../../shared/store/load-tests.ts';
import type { Look, StreamEvent } from '../../event-stream.ts';
import { hasEnded, metricsOf } from './present.ts';

/**
 * Two sequences make one stream: the events of a test, by id, and the seconds of its timeline. An id of the stream
 * holds the position in both, `event * 2^22 + second + 1`: it grows with either, and 48 days of seconds and two
 * thousand million events fit into an exact number.
 */
const secondsBits = 2 ** 22;
const pageSize = 500;

/** What a load test's stream has to tell after one of its ids. */
export async function lookAtLoadTest(db: Executor, testId: string, afterId: number): Promise<Look> {
  const row = await findLoadTest(db, testId);
  if (row === undefined) return { events: [], more: false, ended: true };
  const ended = hasEnded(row);
  let eventId = Math.floor(afterId / secondsBits);
  const afterSecond = (afterId % secondsBits) - 1;
  const events = await readLoadEvents(db, { testId, afterId: eventId, limit: pageSize });
  const points = await readTimeline(db, { testId, afterSecond, limit: pageSize });
  // Shards report a second within moments of each other: the newest one may not be whole yet.
  const whole = ended ? points : points.slice(0, -1);
  const told: StreamEvent[] = events.map(({ id, event }) => {
    eventId = id;
    return { id: id * secondsBits + afterSecond + 1, event: event.type, data: event };
  });
  const ticks = whole.map(point => {
    const data: z.input<typeof loadTickSchema> = { status: row.status, point, metrics: metricsOf(row) };
    return { id: eventId * secondsBits + point.second + 1, event: 'tick', data };
  });
  const more = events.length === pageSize || points.length === pageSize;
  return { events: [...told, ...ticks], more, ended };
}
