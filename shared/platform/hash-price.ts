import { availableParallelism } from 'node:os';
import { hashPassword } from './password.ts';

export interface HashPrice {
  /** Seconds for so many hashes on all cores of this machine. */
  seconds: number;
  cores: number;
}

/** Prices password hashes by one that is made here, when the first is asked for; the quickest of three counts. */
export function createHashPricing(): (hashes: number) => Promise<HashPrice> {
  let measured: Promise<number> | undefined;
  return async hashes => {
    measured ??= secondsOfOne();
    const cores = availableParallelism();
    return { seconds: (hashes * (await measured)) / cores, cores };
  };
}

async function secondsOfOne(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round++) {
    const startedAt = performance.now();
    await hashPassword('what a hash costs');
    least = Math.min(least, performance.now() - startedAt);
  }
  return least / 1000;
}
