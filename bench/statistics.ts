/** Figures of several runs, quoted by their median: machines are noisy, so the spread is shown with it. */
export interface Spread {
  runs: number;
  min: number;
  median: number;
  max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const half = sorted.length / 2;
  const median = sorted.length % 2 === 1 ? at(Math.floor(half)) : (at(half - 1) + at(half)) / 2;
  return { runs: sorted.length, min: at(0), median, max: at(sorted.length - 1) };
}

/** `1.23 (1.10 to 1.40, 5 runs)` */
export const show = ({ runs, min, median, max }: Spread, unit = '', digits = 2): string =>
  `${median.toFixed(digits)}${unit} (${min.toFixed(digits)} to ${max.toFixed(digits)}, ${runs} runs)`;
