import type { NewLoadEvent } from './load-events.ts';

/** How a test's log tells of a worker that no longer renews its shard. */
export const silenceOf = (worker: string, shard: number): NewLoadEvent => ({
  type: 'shard_lost',
  shard,
  silent: true,
  message: `${worker} went silent`,
});
