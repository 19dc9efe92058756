import { setImmediate as breath } from 'node:timers/promises';
import type { z } from 'zod';
import type { comparedFigure, loadComparison } from '../../../../../shared/http/load-test-results.ts';
import { confidenceInterval, quotientOf } from './bootstrap.ts';
import { type Figure, figures } from './figures.ts';
import type { Second, Series } from './series.ts';
import { warningsOf } from './warnings.ts';

type Compared = z.input<typeof comparedFigure>;
type Verdict = Compared['verdict'];

/** Fewer seconds than these say nothing about noise. */
const leastSeconds = 10;

/** Whether `head` is better or worse than `base`: each figure over all endpoints, then of each that both have. */
export async function compareRuns(base: Series, head: Series): Promise<z.input<typeof loadComparison>> {
  const total = figures.map(figure => compareFigure(figure, null, base.total, head.total));
  const byEndpoint: Compared[] = [];
  for (const [name, seconds] of base.endpoints) {
    await breath(); // each costs some milliseconds, and there may be hundreds: other requests come in between
    const others = head.endpoints.get(name) ?? [];
    if (others.length > 0) byEndpoint.push(...figures.map(of => compareFigure(of, name, seconds, others)));
  }
  return {
    base: base.id,
    head: head.id,
    verdict: worstOf(total.map(({ verdict }) => verdict)),
    warnings: warningsOf(base, head),
    figures: [...total, ...byEndpoint],
  };
}

function compareFigure(
  figure: Figure,
  endpoint: string | null,
  base: readonly Second[],
  head: readonly Second[],
): Compared {
  const { name, unit, relevant, less, shareOf, figureOf } = figure;
  const [ours, theirs] = [
    base.flatMap(second => shareOf(second) ?? []),
    head.flatMap(second => shareOf(second) ?? []),
  ];
  const between = (from: number, to: number) => figure.difference(figureOf(from), figureOf(to));
  const [from, to] = [quotientOf(ours), quotientOf(theirs)];
  const isEnough = Math.min(ours.length, theirs.length) >= leastSeconds;
  const interval = isEnough ? confidenceInterval(ours, theirs, between) : [Number.NaN];
  const difference = finite(between(from, to));
  const [low, high] = interval.every(Number.isFinite) ? interval : [];
  const isKnown = difference !== null && low !== undefined && high !== undefined;
  return {
    endpoint,
    figure: name,
    unit,
    base: finite(figureOf(from)),
    head: finite(figureOf(to)),
    difference,
    confidence_interval: isKnown ? { low, high } : null,
    relevant,
    verdict: isKnown ? judge({ difference, low, high, relevant, less }) : 'inconclusive',
    seconds: { base: ours.length, head: theirs.length },
  };
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

/**
 * A difference counts when it is sure (0 is outside of its interval) and relevant; there is none when the whole
 * interval is too small to matter. Anything else needs longer runs.
 */
function judge({
  difference,
  low,
  high,
  relevant,
  less,
}: { difference: number; low: number; high: number } & Pick<Figure, 'relevant' | 'less'>): Verdict {
  const isSure = low > 0 || high < 0;
  if (isSure && Math.abs(difference) >= relevant) {
    const more = less === 'better' ? 'worse' : 'better';
    return difference < 0 ? less : more;
  }
  return low > -relevant && high < relevant ? 'no_difference' : 'inconclusive';
}

const byGravity: Verdict[] = ['worse', 'inconclusive', 'better', 'no_difference'];

/** Of several figures: worse if any is; better only if none is worse or in doubt. */
const worstOf = (verdicts: readonly Verdict[]): Verdict =>
  byGravity.find(verdict => verdicts.includes(verdict)) ?? 'inconclusive';
