import { followWidth, plotOf } from './plot.js';

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
    title: 'Request duration, ms',
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
  const endResize = followWidth(element, plots);
  element.hidden = true; // until there is something to see
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
      element.hidden = false;
      return begun.length;
    },
    /** Forgets all points: the run was begun anew. */
    clear() {
      for (const lists of series) for (const list of lists) list.length = 0;
      next = undefined;
      draw();
    },
    destroy() {
      endResize();
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
