import { clock } from './format.js';
import uPlot from './uplot/uPlot.esm.js';

/** A colour of the style sheet as a canvas takes it: that of the scheme which the reader has now. */
function colour(name) {
  const probe = document.createElement('i');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** What is drawn: for each chart its lines, and what a point, of a second or of more of them, says of each. */
const charts = [
  {
    title: 'Requests a second',
    lines: [
      ['requests', '--blue', ({ requests, seconds = 1 }) => requests / seconds],
      ['failed', '--red', ({ failed, seconds = 1 }) => failed / seconds],
    ],
  },
  {
    title: 'Response time, ms',
    lines: [
      ['median', '--blue', point => point.http_req_duration?.med ?? null],
      ['p95', '--purple', point => point.http_req_duration?.['p(95)'] ?? null],
      ['p99', '--orange', point => point.http_req_duration?.['p(99)'] ?? null],
    ],
  },
  { title: 'Users', lines: [['users', '--green', point => point.vus]] },
];

/**
 * Charts of a run, in an element: `add` takes the points as they come, in order, and gives how many there are; seconds that
 * are missing are a gap.
 * @returns `{ add, clear, destroy }`
 */
export function createCharts(element) {
  const series = charts.map(({ lines }) => [[], ...lines.map(() => [])]);
  const plots = charts.map((chart, index) => plotOf(chart, series[index], element));
  const resize = new ResizeObserver(() => {
    for (const plot of plots)
      plot.setSize({ width: plot.root.parentElement.clientWidth, height: plot.height });
  });
  resize.observe(element);
  let drawing;
  /** The second after the newest point. */
  let next;
  const draw = () => {
    drawing ??= requestAnimationFrame(() => {
      drawing = undefined;
      plots.forEach((plot, index) => {
        plot.setData(series[index]);
      });
    });
  };

  return {
    add(point) {
      const begun = series[0][0];
      const isNew = point.second > (begun.at(-1) ?? -1);
      if (isNew) {
        const isGap = next !== undefined && point.second > next;
        charts.forEach(({ lines }, index) => {
          if (isGap) push(series[index], next, []);
          push(
            series[index],
            point.second,
            lines.map(([, , figureOf]) => figureOf(point)),
          );
        });
        next = point.second + (point.span ?? 1);
        draw();
      }
      return begun.length;
    },
    /** Forgets all points: the run was begun anew. */
    clear() {
      for (const lists of series) for (const list of lists) list.length = 0;
      next = undefined;
      draw();
    },
    destroy() {
      resize.disconnect();
      if (drawing !== undefined) cancelAnimationFrame(drawing);
      for (const plot of plots) plot.destroy();
    },
  };
}

function push([seconds, ...values], second, figures) {
  seconds.push(second);
  values.forEach((list, index) => {
    list.push(figures[index] ?? null);
  });
}

function plotOf({ title, lines }, data, element) {
  const holder = document.createElement('figure');
  holder.setAttribute('aria-label', `${title}, over time; the figures of the whole run stand above`);
  element.append(holder);
  const axis = {
    stroke: colour('--quiet'),
    grid: { stroke: colour('--line') },
    ticks: { stroke: colour('--line') },
  };
  return new uPlot(
    {
      title,
      width: holder.clientWidth || 600,
      height: 220,
      scales: {
        x: { time: false },
        y: { range: (_plot, _least, most) => [0, Math.max(1, (most ?? 0) * 1.05)] },
      },
      cursor: { sync: { key: 'run' } },
      axes: [
        { ...axis, values: (_plot, splits) => splits.map(clock) },
        { ...axis, size: 64 },
      ],
      series: [
        { label: 'at', value: (_plot, second) => (second === null ? '–' : clock(second)) },
        ...lines.map(([label, name]) => ({ label, stroke: colour(name), width: 2, points: { show: false } })),
      ],
    },
    data,
    holder,
  );
}
