import { AppError } from '../../../../../shared/kernel/errors.ts';

/** Gives the index chosen by a number in [0, 1). */
export type Choose = (random: number) => number;

/**
 * Weighted choice in constant time by the alias method (Vose, 1991): each of n equal columns holds at most two
 * indexes, so one number picks the column and, by its fraction, the index in it. Weight 0 is never chosen: its column
 * is filled wholly by another.
 */
export function createWeightedChoice(weights: readonly number[]): Choose {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0) || !Number.isFinite(total) || weights.some(weight => !(weight >= 0))) {
    throw new AppError(
      'validation_failed',
      'Weights must not be negative, and their sum must be more than 0',
    );
  }
  const count = weights.length;
  const heights = Float64Array.from(weights, weight => (weight / total) * count);
  const aliases = fillColumns(heights);
  return random => {
    const scaled = random * count;
    const column = scaled | 0;
    return scaled - column < (heights[column] ?? 0) ? column : (aliases[column] ?? 0);
  };
}

/** Levels the columns to height 1: what a low one lacks comes from a high one, its alias. Changes `heights`. */
function fillColumns(heights: Float64Array): Int32Array {
  const highest = heights.indexOf(Math.max(...heights));
  const aliases = new Int32Array(heights.length).fill(highest);
  const low: number[] = [];
  const high: number[] = [];
  heights.forEach((height, index) => {
    (height < 1 ? low : high).push(index);
  });
  for (let short = low.pop(), long = high.at(-1); short !== undefined && long !== undefined; ) {
    aliases[short] = long;
    const left = (heights[long] ?? 0) - (1 - (heights[short] ?? 0));
    heights[long] = left;
    if (left < 1) low.push(high.pop() ?? long);
    short = low.pop();
    long = high.at(-1);
  }
  return levelLeftovers(heights, low, high, aliases);
}

/** Rounding may leave columns a hair below 1: those are their own, but for the ones of weight 0, which keep an alias. */
function levelLeftovers(
  heights: Float64Array,
  low: number[],
  high: number[],
  aliases: Int32Array,
): Int32Array {
  for (const index of [...low, ...high]) if ((heights[index] ?? 0) > 0.5) heights[index] = 1;
  return aliases;
}
