import type { Second } from './series.ts';

/** One figure that two runs are compared by. */
export interface Figure {
  name: 'throughput' | 'p95' | 'error_rate';
  unit: '1/s' | 'ms' | 'share';
  /** The least difference that counts. */
  relevant: number;
  /** Seconds that say something about it. */
  usable: (second: Second) => boolean;
  /** The figure of some seconds; null when they say nothing. */
  statistic: (seconds: readonly Second[]) => number | null;
  difference: (base: number, head: number) => number;
  /** Whether less of it is better or worse. */
  less: 'better' | 'worse';
}

const relative = (base: number, head: number): number => (base === head ? 0 : (head - base) / base);
const sum = (seconds: readonly Second[], of: (second: Second) => number): number =>
  seconds.reduce((total, second) => total + of(second), 0);

function median(values: number[]): number | null {
  const sorted = values.sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}

/** Throughput and p95 count from 5 %, the error rate from half a percent point. */
export const figures: readonly Figure[] = [
  {
    name: 'throughput',
    unit: '1/s',
    relevant: 0.05,
    usable: () => true,
    statistic: seconds =>
      seconds.length === 0 ? null : sum(seconds, ({ requests }) => requests) / seconds.length,
    difference: relative,
    less: 'worse',
  },
  {
    name: 'p95',
    unit: 'ms',
    relevant: 0.05,
    usable: ({ p95 }) => p95 !== null,
    // The typical second's: a median is not moved by a hiccup that hit one of the runs.
    statistic: seconds => median(seconds.flatMap(({ p95 }) => p95 ?? [])),
    difference: relative,
    less: 'better',
  },
  {
    name: 'error_rate',
    unit: 'share',
    relevant: 0.005,
    usable: ({ requests }) => requests > 0,
    statistic: seconds => {
      const requests = sum(seconds, second => second.requests);
      return requests === 0 ? null : sum(seconds, ({ failed }) => failed) / requests;
    },
    difference: (base, head) => head - base,
    less: 'better',
  },
];
