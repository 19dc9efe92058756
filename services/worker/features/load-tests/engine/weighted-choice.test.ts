import { createRandom } from '../../../../../shared/kernel/random.ts';
import { createWeightedChoice } from './weighted-choice.ts';

function countChoices(weights: readonly number[], choices: number): number[] {
  const choose = createWeightedChoice(weights);
  const random = createRandom(7);
  const counts = weights.map(() => 0);
  for (let n = 0; n < choices; n++) {
    const index = choose(random());
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

describe('a weighted choice', () => {
  it('follows the weights: chi-square over 100,000 choices, and weight 0 is never chosen', () => {
    const weights = [50, 25, 0, 10, 10, 0, 4, 1];
    const counts = countChoices(weights, 100_000);
    const chiSquare = weights.reduce((sum, weight, index) => {
      const expected = weight * 1000;
      return expected === 0 ? sum : sum + ((counts[index] ?? 0) - expected) ** 2 / expected;
    }, 0);
    expect(chiSquare).toBeLessThan(20.52); // 5 degrees of freedom, p = 0.001
    expect([counts[2], counts[5]]).toEqual([0, 0]);
  });

  it('holds for a single one, for equal ones and for far apart ones', () => {
    expect(countChoices([3], 100)).toEqual([100]);
    expect(countChoices([0.1, 0.1, 0.1], 30_000).every(count => Math.abs(count - 10_000) < 500)).toBe(true);
    expect(countChoices([1e-9, 1e9, 0], 10_000)).toEqual([0, 10_000, 0]);
  });

  it.each([[[]], [[0, 0]], [[1, -1]], [[Number.NaN]]])('refuses weights %j', weights => {
    expect(() => createWeightedChoice(weights)).toThrow('more than 0');
  });
});
