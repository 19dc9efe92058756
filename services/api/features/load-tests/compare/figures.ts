import type { Share } from './bootstrap.ts';
import type { Second } from './series.ts';

/** One figure that two runs are compared by. */
export interface Figure {
  name: 'throughput' | 'p95' | 'error_rate';
  unit: '1/s' | 'ms' | 'share';
  /** The least difference that counts. */
  relevant: number;
  /** What a second adds to the figure; undefined for a second without a value. */
  shareOf: (second: Second) => Share | undefined;
  /** The figure of a quotient of sums. */
  figureOf: (quotient: number) => number;
  /** How far the figures of two runs are apart, in the unit that `relevant` has. */
  difference: (base: number, head: number) => number;
  /** Whether less of it is better or worse. */
  less: 'better' | 'worse';
}

const relative = (base: number, head: number): number => (base === head ? 0 : (head - base) / base);
const itself = (quotient: number): number => quotient;

/** Throughput and p95 count from 5 %, the error rate from half a percent point. */
export const figures: readonly Figure[] = [
  {
    name: 'throughput',
    unit: '1/s',
    relevant: 0.05,
    shareOf: ({ requests }) => ({ numerator: requests, denominator: 1 }),
    figureOf: itself,
    difference: relative,
    less: 'worse',
  },
  {
    // The geometric mean of the seconds' percentiles: one slow second of a hundred does not make the figure.
    name: 'p95',
    unit: 'ms',
    relevant: 0.05,
    shareOf: ({ p95 }) =>
      p95 === null || p95 <= 0 ? undefined : { numerator: Math.log(p95), denominator: 1 },
    figureOf: Math.exp,
    difference: relative,
    less: 'better',
  },
  {
    name: 'error_rate',
    unit: 'share',
    relevant: 0.005,
    shareOf: ({ requests, failed }) =>
      requests === 0 ? undefined : { numerator: failed, denominator: requests },
    figureOf: itself,
    difference: (base, head) => head - base,
    less: 'better',
  },
];
