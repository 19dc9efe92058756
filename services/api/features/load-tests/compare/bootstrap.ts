import { createRandom, type Random } from '../../../../../shared/kernel/random.ts';

/**
 * How sure a difference between two noisy series is: a moving-block bootstrap (Künsch 1989). Seconds of a load test
 * hang together (a pause of the target spans several), so whole blocks of neighbours are drawn, not single seconds;
 * drawing seconds one by one would take one long hiccup for many independent ones and be far too sure.
 */
const resamples = 1000;
/** The share that is cut off at either end: what is left is a 95 % interval. */
const tail = 0.025;

/** What one second adds to a figure, which is a quotient of sums: failed requests over requests, for one. */
export interface Share {
  numerator: number;
  denominator: number;
}

export const quotientOf = (shares: readonly Share[]): number =>
  shares.reduce((sum, { numerator }) => sum + numerator, 0) /
  shares.reduce((sum, { denominator }) => sum + denominator, 0);

/**
 * The 95 % confidence interval of `difference(base, head)` over the quotients of two series, by percentiles over
 * resamples. These are drawn with a fixed seed: the same runs always compare alike.
 */
export function confidenceInterval(
  base: readonly Share[],
  head: readonly Share[],
  difference: (base: number, head: number) => number,
): [low: number, high: number] {
  const random = createRandom(0x6d757374);
  const [drawBase, drawHead] = [createResampler(base, random), createResampler(head, random)];
  const drawn = Float64Array.from({ length: resamples }, () => difference(drawBase(), drawHead())).sort();
  const at = (share: number) => drawn[Math.round(share * (resamples - 1))] ?? Number.NaN;
  return [at(tail), at(1 - tail)];
}

/** Gives the quotient of as many seconds again, drawn in blocks; sums up to each second make a block two look-ups. */
function createResampler(shares: readonly Share[], random: Random): () => number {
  const count = shares.length;
  const numerators = sumsOf(shares, ({ numerator }) => numerator);
  const denominators = sumsOf(shares, ({ denominator }) => denominator);
  const block = blockLength(count);
  const between = (sums: Float64Array, from: number, to: number) => (sums[to] ?? 0) - (sums[from] ?? 0);
  return () => {
    let [numerator, denominator] = [0, 0];
    for (let left = count; left > 0; left -= block) {
      const from = Math.floor(random() * (count - block + 1));
      const to = from + Math.min(block, left);
      numerator += between(numerators, from, to);
      denominator += between(denominators, from, to);
    }
    return numerator / denominator;
  };
}

/** Grows with the cube root of the length, which is the optimal order for the variance of a mean. */
const blockLength = (count: number): number => Math.min(count, Math.ceil(2 * Math.cbrt(count)));

function sumsOf(shares: readonly Share[], of: (share: Share) => number): Float64Array {
  const sums = new Float64Array(shares.length + 1);
  for (const [index, share] of shares.entries()) sums[index + 1] = (sums[index] ?? 0) + of(share);
  return sums;
}
