import type { z } from 'zod';
import type { loadComparison } from '../../../shared/http/load-test-results.ts';
import { table } from '../output.ts';
import { shortMs, shortPercent } from './describe.ts';

type Comparison = z.output<typeof loadComparison>;
type Figure = Comparison['figures'][number];

/** The lines that describe a comparison to a person. */
export const describeComparison = ({ verdict, warnings, figures }: Comparison): string[] => [
  `head is ${verdict.replaceAll('_', ' ')}`,
  ...warnings.map(warning => `  ! ${warning}`),
  '',
  ...table([
    ['ENDPOINT', 'FIGURE', 'BASE', 'HEAD', 'DIFFERENCE', '95 % INTERVAL', 'VERDICT'],
    ...figures.map(figure => [
      figure.endpoint ?? '(all)',
      figure.figure,
      figureText(figure, figure.base),
      figureText(figure, figure.head),
      differenceText(figure, figure.difference),
      intervalText(figure),
      figure.verdict.replaceAll('_', ' '),
    ]),
  ]),
];

function figureText({ unit }: Figure, value: number | null): string {
  if (value === null) return '-';
  if (unit === 'ms') return shortMs(value);
  return unit === 'share' ? shortPercent(value) : `${value.toFixed(1)}/s`;
}

function intervalText(figure: Figure): string {
  const interval = figure.confidence_interval;
  if (interval === null) return '-';
  return `${differenceText(figure, interval.low)} to ${differenceText(figure, interval.high)}`;
}

/** Points of a share, percent of anything else. */
function differenceText({ unit }: Figure, value: number | null): string {
  if (value === null) return '-';
  const sign = value > 0 ? '+' : '';
  return `${sign}${(value * 100).toFixed(2)} ${unit === 'share' ? 'points' : '%'}`;
}
