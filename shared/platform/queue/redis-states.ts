import type { Redis } from 'ioredis';
import type { BullQueue, KnownState } from './seam.ts';

/** Ids that are read of a list: about a millisecond's work for Redis. */
const longestList = 5000;

/** BullMQ's keys of a queue, lists before sorted sets, and the state of a job whose id is in one. */
const places: [key: string, state: KnownState][] = [
  ['active', 'active'],
  ['wait', 'waiting'],
  ['paused', 'waiting'],
  ['completed', 'completed'],
  ['failed', 'failed'],
  ['delayed', 'delayed'],
  ['prioritized', 'waiting'],
  ['waiting-children', 'waiting-children'],
];

const inOne = places.length;
/** What the script answers for an id that is in none of them, where Redis has a job of that name. */
const elsewhere: KnownState[] = ['unknown', 'waiting'];

/** Gives the place of each id: 0 is the first, -1 none, since there is no such job. */
const script = `
local jobPrefix, longestList = ARGV[1], tonumber(ARGV[2])
local listed, areRead = {}, true
for at = 1, 3 do
  local ids = redis.call('LRANGE', KEYS[at], 0, longestList)
  if #ids > longestList then areRead = false end
  for _, id in ipairs(ids) do listed[id] = at end
end
local function placeOf(id)
  if listed[id] then return listed[id] end
  for at = 4, #KEYS do
    if redis.call('ZSCORE', KEYS[at], id) then return at end
  end
  if redis.call('EXISTS', jobPrefix .. id) == 0 then return 0 end
  return #KEYS + (areRead and 1 or 2)
end
local found = {}
for index = 3, #ARGV do found[index - 2] = placeOf(ARGV[index]) - 1 end
return found`;

/**
 * The states of jobs, as of one moment. BullMQ's own question goes through the list of waiting jobs once for each of
 * them: of 20,000 that wait it takes Redis many seconds, in which nobody else is answered. Here a list is read once, and
 * one that is longer than `longestList` not to its end: a job that is in none of the others is believed to wait there.
 */
export async function askStates(
  redis: Redis,
  queue: BullQueue,
  jobIds: readonly string[],
): Promise<Map<string, KnownState>> {
  const keys = places.map(([key]) => queue.toKey(key));
  const found = await redis.eval(script, keys.length, ...keys, queue.toKey(''), longestList, ...jobIds);
  const states = new Map<string, KnownState>();
  for (const [index, id] of jobIds.entries()) {
    const place = (found as number[])[index] ?? -1;
    const state = places[place]?.[1] ?? elsewhere[place - inOne];
    if (state !== undefined) states.set(id, state);
  }
  return states;
}
