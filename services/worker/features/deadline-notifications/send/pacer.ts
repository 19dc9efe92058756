import type { Channel } from '../../../../../shared/contracts/deadline-notifications.ts';
import { sleep } from '../../../../../shared/kernel/time.ts';
import type { Executor } from '../../../../../shared/platform/postgres/db.ts';
import { reservePlaces } from '../../../../../shared/store/deadline-notifications/notification-paces.ts';

/** Resolves when the next message may go out. */
export type Pacer = (signal: AbortSignal) => Promise<void>;

/** Places are reserved for about this long at a time: one statement serves many messages. */
const reserveMs = 500;

/**
 * Keeps a channel to its rate, whatever the number of workers: each reserves some places in the one queue of the
 * channel, which is a row, and hands them out one by one.
 * @param perSecond no limit when undefined
 */
export function createPacer(db: Executor, channel: Channel, perSecond: number | undefined): Pacer {
  if (perSecond === undefined) return async () => {};
  const intervalMs = 1000 / perSecond;
  const reserve = Math.max(1, Math.round(reserveMs / intervalMs));
  let places: number[] = [];
  let reserving: Promise<void> | undefined;

  async function reservePlacesAhead(): Promise<void> {
    const waitMs = await reservePlaces(db, { channel, count: reserve, intervalMs });
    const first = performance.now() + waitMs;
    places = Array.from({ length: reserve }, (_, index) => first + index * intervalMs);
  }

  return async signal => {
    let place = places.shift();
    while (place === undefined) {
      reserving ??= reservePlacesAhead().finally(() => {
        reserving = undefined;
      });
      await reserving;
      place = places.shift();
    }
    const waitMs = place - performance.now();
    if (waitMs > 1) await sleep(waitMs, signal);
  };
}
