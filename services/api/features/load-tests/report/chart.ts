import type { Folded } from './fold.ts';
import { type Html, html } from './html.ts';
import type { Mark } from './marks.ts';
import { clock, short, ticksTo, timeTicks } from './scale.ts';

/**
 * Charts as SVG, drawn here: they need no script, print as they look, and take their colours from the page's style
 * (class `s-<name>`), light or dark. All of one report share their time axis.
 */
export interface Line {
  /** The CSS class that colours the line. */
  name: string;
  label: string;
  shape: 'line' | 'dashed' | 'area' | 'step';
  /** The height of the line at each step. */
  values: readonly (number | null)[];
  /** The values to show as text, where they are not the height of the line: in a stacked chart. */
  figures?: readonly (number | null)[];
}

export interface ChartOptions {
  id: string;
  title: string;
  unit: string;
  lines: readonly Line[];
  folded: Folded;
  marks: readonly Mark[];
  /** Whether this one carries the signs of the marks, and not just their lines. */
  signs?: boolean;
  note?: string;
}

const width = 1000;
const height = 190;
const left = 52;
const right = 12;
const bottom = 24;
/** A gap of a second is seen in a run of hours too. */
const leastGapWidth = 2;

export function chart(options: ChartOptions): Html {
  const { id, title, unit, lines, note } = options;
  const legend = lines.map(
    ({ name, label, shape }) => html`<li><span class="swatch ${shape} s-${name}"></span>${label}</li>`,
  );
  return html`
<figure class="chart" id="${id}">
  <figcaption><h3>${title}</h3><span class="unit">${unit}</span><ul class="legend">${legend}</ul></figcaption>
  <div class="plot" tabindex="0" role="group" aria-label="${title}, ${unit}: arrow keys read the figures">${plot(options)}</div>
  ${note === undefined ? undefined : html`<p class="note">${note}</p>`}
</figure>`;
}

function plot({ lines, folded, marks, title, signs = false }: ChartOptions): Html {
  const top = signs ? 30 : 10;
  const highest = Math.max(...lines.flatMap(({ values }) => values.map(value => value ?? 0)), 0);
  const ticks = ticksTo(highest);
  const maximum = ticks.at(-1) ?? 1;
  const place: Place = {
    x: second => left + (second / folded.spanSeconds) * (width - left - right),
    y: value => height - bottom - (value / maximum) * (height - bottom - top),
  };
  return html`
  <svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}" data-left="${left}" data-right="${right}">
    ${gapBands(folded, place, top)}
    ${grid(ticks, folded.spanSeconds, place)}
    ${lines.map(line => draw(line, folded, place))}
    ${marks.map(mark => drawMark(mark, place, top, signs))}
    <line class="cursor" x1="0" x2="0" y1="${top}" y2="${height - bottom}" />
  </svg>`;
}

interface Place {
  x(second: number): number;
  y(value: number): number;
}

const at = (value: number): string => value.toFixed(1);

function grid(ticks: readonly number[], span: number, { x, y }: Place): Html {
  const rows = ticks.map(
    tick => html`<line class="grid" x1="${left}" x2="${width - right}" y1="${at(y(tick))}" y2="${at(y(tick))}" />
    <text class="tick" x="${left - 8}" y="${at(y(tick) + 4)}" text-anchor="end">${short(tick)}</text>`,
  );
  const columns = timeTicks(span).map(
    second =>
      html`<text class="tick" x="${at(x(second))}" y="${height - 6}" text-anchor="middle">${clock(second)}</text>`,
  );
  return html`${rows}${columns}`;
}

function gapBands({ gaps }: Folded, { x }: Place, top: number): Html[] {
  return gaps.map(
    ({
      from,
      to,
    }) => html`<rect class="gap" x="${at(x(from))}" y="${top}" width="${at(Math.max(leastGapWidth, x(to) - x(from)))}"
      height="${height - bottom - top}"><title>${clock(from)} to ${clock(to)}: not every shard reported</title></rect>`,
  );
}

function draw({ name, shape, values }: Line, folded: Folded, place: Place): Html {
  const paths = runsOf(values, folded).map(run => {
    const line = pathOf(run, folded, place, shape === 'step');
    if (shape !== 'area') return html`<path class="line ${shape} s-${name}" d="${line}" />`;
    const [first, last] = [run[0], run.at(-1)];
    if (first === undefined || last === undefined) return undefined;
    const end = middleOf(last.second, folded);
    const floor = at(place.y(0));
    const area = `${line}L${at(place.x(end))} ${floor}L${at(place.x(middleOf(first.second, folded)))} ${floor}Z`;
    return html`<path class="area s-${name}" d="${area}" /><path class="line s-${name}" d="${line}" />`;
  });
  return html`${paths}`;
}

interface Spot {
  second: number;
  value: number;
}

/** Where figures follow each other without a gap: a line does not bridge what was not measured. */
function runsOf(values: readonly (number | null)[], { steps, stepSeconds }: Folded): Spot[][] {
  const runs: Spot[][] = [];
  let previous: number | undefined;
  for (const [index, step] of steps.entries()) {
    const value = values[index];
    if (value === null || value === undefined) continue;
    const follows = previous !== undefined && step.second - previous === stepSeconds;
    if (!follows) runs.push([]);
    runs.at(-1)?.push({ second: step.second, value });
    previous = step.second;
  }
  return runs;
}

/** A step's figure stands in its middle; the last one may be cut short by the end. */
const middleOf = (second: number, { stepSeconds, spanSeconds }: Folded): number =>
  Math.min(second + stepSeconds / 2, spanSeconds);

function pathOf(run: readonly Spot[], folded: Folded, { x, y }: Place, isStep: boolean): string {
  const spots = run.map(({ second, value }) => ({ x: at(x(middleOf(second, folded))), y: at(y(value)) }));
  const [only] = spots;
  if (spots.length === 1 && only !== undefined) return `M${Number(only.x) - 2} ${only.y}h4`;
  const join = (spot: { x: string; y: string }) => (isStep ? `H${spot.x}V${spot.y}` : `L${spot.x} ${spot.y}`);
  return spots.map((spot, index) => (index === 0 ? `M${spot.x} ${spot.y}` : join(spot))).join('');
}

function drawMark({ second, label, tone, title }: Mark, { x }: Place, top: number, signs: boolean): Html {
  const place = at(x(second));
  const line = html`<line class="mark ${tone}" x1="${place}" x2="${place}" y1="${signs ? 22 : top}" y2="${height - bottom}" />`;
  if (!signs) return line;
  const half = 7 + label.length * 3;
  return html`<g class="sign ${tone}"><title>${title}</title>${line}
    <rect x="${at(x(second) - half)}" y="4" width="${half * 2}" height="18" rx="9" />
    <text x="${place}" y="17" text-anchor="middle">${label}</text></g>`;
}
