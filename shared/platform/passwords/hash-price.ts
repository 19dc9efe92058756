import { availableParallelism } from 'node:os';

export interface HashPrice {
  /** Seconds for so many hashes on all cores of this machine. */
  seconds: number;
  cores: number;
}

/** A busy machine makes a hash look dear: it is measured again at times, and the least counts. */
const measureAgainMs = 10_000;

/** Prices password hashes by some that `hash` makes here for the purpose. */
export function createHashPricing(
  hash: (password: string) => Promise<string>,
): (hashes: number) => Promise<HashPrice> {
  let least = Number.POSITIVE_INFINITY;
  let measuredAt = Number.NEGATIVE_INFINITY;
  return async hashes => {
    if (performance.now() - measuredAt > measureAgainMs) {
      measuredAt = performance.now();
      least = Math.min(least, await secondsOfOne(hash));
    }
    const cores = availableParallelism();
    return { seconds: (hashes * (Number.isFinite(least) ? least : await secondsOfOne(hash))) / cores, cores };
  };
}

/** The quickest of three. */
async function secondsOfOne(hash: (password: string) => Promise<string>): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < 3; round++) {
    const startedAt = performance.now();
    await hash('what a hash costs');
    rounds.push(performance.now() - startedAt);
  }
  return Math.min(...rounds) / 1000;
}
