/**
 * How sure a difference between two noisy series is: a moving-block bootstrap (Künsch 1989). Seconds of a load test
 * hang together (a pause of the target spans several), so whole blocks of neighbours are drawn, not single seconds;
 * drawing seconds one by one would take one long hiccup for many independent ones and be far too sure.
 */
const resamples = 1000;
/** Half of 5 % on either side: a 95 % interval. */
const tail = 0.025;

/**
 * The 95 % confidence interval of `difference(statistic(base), statistic(head))`, by percentiles over resamples. It is
 * drawn with a fixed seed: the same runs always compare alike.
 */
export function confidenceInterval<Sample>(
  base: readonly Sample[],
  head: readonly Sample[],
  difference: (base: readonly Sample[], head: readonly Sample[]) => number,
): [number, number] {
  const random = seededRandom(0x6d757374);
  const drawn = Array.from({ length: resamples }, () =>
    difference(resample(base, random), resample(head, random)),
  );
  const sorted = drawn.filter(Number.isFinite).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
  return [at(tail), at(1 - tail)];
}

/** As many samples again, in blocks of the cube root of their number, the order of the optimal length. */
function resample<Sample>(samples: readonly Sample[], random: () => number): Sample[] {
  const block = Math.max(1, Math.ceil(2 * Math.cbrt(samples.length)));
  const starts = Math.max(1, samples.length - block + 1);
  const drawn: Sample[] = [];
  while (drawn.length < samples.length) {
    const start = Math.floor(random() * starts);
    drawn.push(...samples.slice(start, start + block));
  }
  return drawn.slice(0, samples.length);
}

/** mulberry32, by Tommy Ettinger: small, and even enough to draw samples with. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
