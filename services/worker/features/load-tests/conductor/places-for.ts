import type { FreeSlots } from '../../../../../shared/store/load-tests/load-slots.ts';

/**
 * Which workers get a shard: one each before any gets a second one, the emptiest first. As many as are wanted and there
 * is room for; by default one on every worker that has room.
 */
export function placesFor(free: readonly FreeSlots[], wanted: number | null): FreeSlots[] {
  const places: FreeSlots[] = [];
  const limit = wanted ?? free.length;
  for (let round = 0; places.length < limit; round++) {
    const open = free.filter(worker => worker.free > round);
    if (open.length === 0) break;
    places.push(...open.slice(0, limit - places.length));
  }
  return places;
}
