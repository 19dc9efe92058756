import type { LoadEvent } from '../contracts/load-tests.ts';
import type { NewLoadEvent } from './load-events.ts';

/**
 * How a test's log tells of a worker that no longer renews its shard, because it is dead, frozen or cut off; unlike one
 * that hands its shard over, it may take with it what it measured since its last tick.
 */
const silence = ' went silent';

export const silenceOf = (worker: string, shard: number): NewLoadEvent => ({
  type: 'shard_lost',
  shard,
  message: worker + silence,
});

export const isSilence = ({ type, message }: Pick<LoadEvent, 'type' | 'message'>): boolean =>
  type === 'shard_lost' && message.endsWith(silence);
