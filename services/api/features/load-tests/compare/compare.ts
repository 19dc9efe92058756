import type { z } from 'zod';
import type { comparedFigure, loadComparison } from '../../../../../shared/http/load-tests.ts';
import { confidenceInterval } from './bootstrap.ts';
import { figures } from './figures.ts';
import type { Second, Series } from './series.ts';
import { warningsOf } from './warnings.ts';

export type Compared = z.input<typeof comparedFigure>;
type Verdict = Compared['verdict'];

/** Fewer seconds than these say nothing about noise. */
const leastSeconds = 10;

/** Whether `head` is better or worse than `base`: each figure over all endpoints, then of each that both have. */
export function compareRuns(base: Series, head: Series): z.input<typeof loadComparison> {
  const total = compareSeconds(null, base.total, head.total);
  const byEndpoint = [...base.endpoints].flatMap(([name, seconds]) => {
    const others = head.endpoints.get(name);
    return others === undefined ? [] : compareSeconds(name, seconds, others);
  });
  return {
    base: base.id,
    head: head.id,
    verdict: worstOf(total.map(({ verdict }) => verdict)),
    warnings: warningsOf(base, head),
    figures: [...total, ...byEndpoint],
  };
}

const compareSeconds = (
  endpoint: string | null,
  base: readonly Second[],
  head: readonly Second[],
): Compared[] =>
  figures.map(({ name, unit, relevant, usable, statistic, difference, less }) => {
    const [ours, theirs] = [base.filter(usable), head.filter(usable)];
    const seconds = { base: ours.length, head: theirs.length };
    const isEnough = Math.min(ours.length, theirs.length) >= leastSeconds;
    const [from, to] = [statistic(ours), statistic(theirs)];
    const estimate = from === null || to === null ? null : difference(from, to);
    const interval =
      isEnough && estimate !== null
        ? confidenceInterval(ours, theirs, (a, b) =>
            difference(statistic(a) ?? Number.NaN, statistic(b) ?? Number.NaN),
          )
        : null;
    return {
      endpoint,
      figure: name,
      unit,
      base: from,
      head: to,
      difference: finite(estimate),
      confidence_interval: interval?.every(Number.isFinite) ? interval : null,
      relevant,
      verdict: judgeDifference(finite(estimate), interval, relevant, less),
      seconds,
    };
  });

const finite = (value: number | null): number | null =>
  value !== null && Number.isFinite(value) ? value : null;

/**
 * A difference counts when it is sure (0 is outside of its interval) and relevant; there is none when the whole
 * interval is too small to matter. Anything else needs longer runs.
 * @param less which way less of it is
 */
function judgeDifference(
  estimate: number | null,
  interval: [number, number] | null,
  relevant: number,
  less: 'better' | 'worse',
): Verdict {
  if (estimate === null || interval === null || !interval.every(Number.isFinite)) return 'inconclusive';
  const [low, high] = interval;
  if (Math.abs(estimate) >= relevant && (low > 0 || high < 0)) {
    return estimate < 0 ? less : less === 'better' ? 'worse' : 'better';
  }
  return low > -relevant && high < relevant ? 'no_difference' : 'inconclusive';
}

const byGravity: Verdict[] = ['worse', 'inconclusive', 'better', 'no_difference'];

/** Of several figures: worse if any is; better only if none is worse or in doubt. */
const worstOf = (verdicts: readonly Verdict[]): Verdict =>
  byGravity.find(verdict => verdicts.includes(verdict)) ?? 'inconclusive';
