import { errorKinds } from '../../../../../shared/contracts/load-metrics.ts';
import { chart, type Line } from './chart.ts';
import type { Folded, Step } from './fold.ts';
import { type Html, jsonBlock } from './html.ts';
import type { Mark } from './marks.ts';

interface Panel {
  id: string;
  title: string;
  unit: string;
  lines: Line[];
  note?: string;
}

/** Two lines that are nowhere further apart than this would be drawn on top of each other. */
const sameWithin = 1.02;

/** The charts of a run, and the figures behind them for the page's script. */
export function charts(folded: Folded, marks: readonly Mark[]): Html[] {
  const panels = panelsOf(folded.steps);
  const { stepSeconds, spanSeconds, steps } = folded;
  const read = {
    stepSeconds,
    spanSeconds,
    seconds: steps.map(({ second }) => second),
    charts: panels.map(({ id, unit, lines }) => ({
      id,
      unit,
      lines: lines.map(({ name, label, values, figures = values }) => ({
        name,
        label,
        values: figures.map(rounded),
      })),
    })),
  };
  const drawn = panels.map((panel, index) => chart({ ...panel, folded, marks, signs: index === 0 }));
  return [...drawn, jsonBlock('figures', read)];
}

const rounded = (value: number | null): number | null =>
  value === null ? null : Number(value.toPrecision(4));

function panelsOf(steps: readonly Step[]): Panel[] {
  const line = (
    name: string,
    label: string,
    shape: Line['shape'],
    of: (step: Step) => number | null,
  ): Line => ({
    name,
    label,
    shape,
    values: steps.map(of),
  });
  const dropped = line('dropped', 'dropped arrivals', 'line', step => step.dropped);
  const hasDropped = steps.some(step => step.dropped > 0);
  const errors = errorLines(steps);
  const hasTimes = steps.some(step => step.p95 !== null);
  const waits = steps.some(step => (step.responseP95 ?? 0) > (step.p95 ?? 0) * sameWithin);
  return [
    {
      id: 'throughput',
      title: 'Throughput',
      unit: 'requests a second',
      lines: [
        line('requests', 'requests', 'area', step => step.requests),
        line('failed', 'failed', 'area', step => step.failed),
      ],
    },
    {
      id: 'latency',
      title: 'Response times',
      unit: 'milliseconds',
      lines: [
        line('p99', 'p99', 'line', step => step.p99),
        line('p95', 'p95', 'line', step => step.p95),
        line('med', 'median', 'line', step => step.med),
        ...(waits
          ? [line('response', 'p95 from the intended start', 'dashed', step => step.responseP95)]
          : []),
      ],
      ...(!hasTimes && { note: 'There are no times, since no request had an answer.' }),
      ...(hasTimes && !waits && { note: 'From the intended start of each request, the times are the same.' }),
    },
    ...(errors.length > 0
      ? [{ id: 'errors', title: 'Errors by kind', unit: 'a second, stacked', lines: errors }]
      : []),
    {
      id: 'users',
      title: 'Virtual users',
      unit: 'users',
      lines: [line('users', 'users', 'step', step => step.vus), ...(hasDropped ? [dropped] : [])],
    },
  ];
}

/** Stacked: each line is the sum of its own kind and those below, and the highest is drawn first. */
function errorLines(steps: readonly Step[]): Line[] {
  const present = errorKinds.filter(kind => steps.some(({ errors }) => (errors[kind] ?? 0) > 0));
  const stacked = present.map((kind, index): Line => {
    const below = present.slice(0, index + 1);
    const values = steps.map(({ errors }) => below.reduce((sum, each) => sum + (errors[each] ?? 0), 0));
    const figures = steps.map(({ errors }) => errors[kind] ?? 0);
    return { name: `error-${kind}`, label: kind, shape: 'area', values, figures };
  });
  return stacked.reverse();
}
