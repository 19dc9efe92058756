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

/** A chart of lines `[label, colour]` over the seconds of a run, in an element. */
export function plotOf({ title, lines }, data, element) {
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

/** Keeps charts as wide as there is room. @returns what ends it */
export function followWidth(element, plots) {
  const resize = new ResizeObserver(() => {
    for (const plot of plots)
      plot.setSize({ width: plot.root.parentElement.clientWidth, height: plot.height });
  });
  resize.observe(element);
  return () => resize.disconnect();
}
