import { placesFor } from './places-for.ts';

const worker = (name: string, free: number) => ({ workerId: name, worker: name, free });
const names = (free: ReturnType<typeof worker>[], wanted: number | null) =>
  placesFor(free, wanted).map(place => place.worker);

describe('shards are placed', () => {
  it('on every worker with room, one each, unless a number is asked for', () => {
    expect(names([worker('a', 2), worker('b', 1)], null)).toEqual(['a', 'b']);
    expect(names([worker('a', 2), worker('b', 1)], 1)).toEqual(['a']);
  });

  it('twice on a worker only when each has one', () => {
    expect(names([worker('a', 3), worker('b', 1)], 3)).toEqual(['a', 'b', 'a']);
  });

  it('on free slots only, fewer than asked for when those run out', () => {
    expect(names([worker('a', 2), worker('b', 1)], 9)).toEqual(['a', 'b', 'a']);
    expect(names([], 2)).toEqual([]);
    expect(names([], null)).toEqual([]);
  });
});
