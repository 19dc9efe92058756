/**
 * A small, fast, seeded source of numbers in [0, 1). Of one seed there are many streams, which are independent of each
 * other: with one for each virtual user, a user makes the same choices whatever the others do. Mulberry32 (Tommy Ettinger, public domain).
 */
export type Random = () => number;

export function createRandom(seed: number, stream = 0): Random {
  let state = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul((stream + 1) | 0, 0x85ebca6b)) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
