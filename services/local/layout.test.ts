import { poolThreads } from './layout.ts';

it.each([
  [2, 2, 4],
  [8, 2, 5],
  [16, 1, 17],
  [16, 3, 7],
])(
  'on %i cores, each of %i workers has %i threads: its share for hashes, and one for the rest',
  (cores, workers, threads) => {
    expect(poolThreads(cores, workers)).toBe(threads);
  },
);
