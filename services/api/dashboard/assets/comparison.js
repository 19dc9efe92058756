import { attempt, call, say } from './api.js';
import { ago, milliseconds, rate, share } from './format.js';
import { html, nothing, render } from './lit-html/lit-html.js';
import { badge, figures as columnsOf, table } from './parts.js';
import { followWidth, plotOf } from './plot.js';
import { readHistory, stepOf } from './run-stream.js';

/** The figures of a run or of one of its endpoints, side by side; `judged` is what the API's comparison calls it. */
const trend =
  name =>
  ({ http_req_duration: times }) =>
    times.max === 0 ? null : times[name];
const figures = [
  { name: 'p50', of: trend('med'), show: milliseconds },
  { name: 'p95', of: trend('p(95)'), show: milliseconds, judged: 'p95' },
  { name: 'p99', of: trend('p(99)'), show: milliseconds },
  {
    name: 'Error rate',
    of: ({ http_req_failed }) => http_req_failed.rate,
    show: share,
    judged: 'error_rate',
    isShare: true,
  },
  { name: 'Throughput', of: ({ http_reqs }) => http_reqs.rate, show: rate, judged: 'throughput' },
];

const charts = [
  { title: 'Requests a second', of: ({ requests, seconds }) => requests / seconds },
  { title: 'p95, ms', of: ({ http_req_duration: times }) => times?.['p(95)'] ?? null },
  { title: 'Failed a second', of: ({ failed, seconds }) => failed / seconds },
];

/** Two runs that have ended, side by side. @returns what ends it */
export function showComparison(view, baseId, headId) {
  const [above, middle, below] = ['div', 'div', 'div'].map(name => document.createElement(name));
  middle.className = 'charts';
  view.append(above, middle, below);
  const ends = [() => say()];
  let hasLeft = false;
  void attempt(async () => {
    const [comparison, base, head] = await Promise.all([
      call('GET', `/api/load-tests/compare?base=${baseId}&head=${headId}`),
      ...[baseId, headId].map(id => call('GET', `/api/load-tests/${id}`)),
    ]);
    const span = Math.max(stepOf(base), stepOf(head));
    const histories = await Promise.all([base, head].map(test => readHistory(test, span)));
    if (hasLeft) return;
    render(title(base, head, comparison), above);
    ends.push(...draw(middle, histories, span));
    render(sideBySide(base, head, comparison), below);
  })();
  return () => {
    hasLeft = true;
    for (const end of ends) end();
  };
}

/** Both runs over the seconds since their starts. @returns what ends it */
function draw(element, histories, span) {
  const last = Math.max(0, ...histories.flat().map(({ second }) => second));
  const seconds = Array.from({ length: last / span + 1 }, (_, index) => index * span);
  const found = histories.map(steps => new Map(steps.map(step => [step.second, step])));
  const plots = charts.map(({ title: name, of }) => {
    const lines = found.map(bySecond =>
      seconds.map(second => (bySecond.has(second) ? of(bySecond.get(second)) : null)),
    );
    return plotOf(
      {
        title: name,
        lines: [
          ['base', '--blue'],
          ['head', '--orange'],
        ],
      },
      [seconds, ...lines],
      element,
    );
  });
  return [followWidth(element, plots), ...plots.map(plot => () => plot.destroy())];
}

const nameOf = (role, { id, config, status, degraded, created_at }) => html`<p>
  ${role} <a href="#/load-tests/${id}">${config.session_name}</a> ${badge(status, degraded)}
  <span class="quiet">${config.target_url} · ${config.executor} · ${ago(created_at)}</span>
</p>`;

const title = (base, head, { verdict, warnings }) => html`
  <div class="title">
    <h1>Comparison ${badge(verdict)}</h1>
    <a href="#/compare/${head.id}/${base.id}">Swap</a>
  </div>
  ${nameOf('Base', base)} ${nameOf('Head', head)}
  ${
    warnings.length === 0
      ? nothing
      : html`<details open>
        <summary>Hard to compare</summary>
        <ul>${warnings.map(warning => html`<li>${warning}</li>`)}</ul>
      </details>`
  }`;

function sideBySide(base, head, comparison) {
  const asked = [base, head].flatMap(({ config }) => config.endpoints.map(({ name }) => name));
  const names = [...new Set(asked)].filter(name => base.endpoints[name] ?? head.endpoints[name]);
  const scopes = [
    [null, base.metrics, head.metrics],
    ...names.map(name => [name, base.endpoints[name], head.endpoints[name]]),
  ];
  return html`<section>
    <h2>Figures</h2>
    ${table(
      ['Endpoint', 'Figure', ...columnsOf('Base', 'Head', 'Difference', '95 % interval'), 'Verdict'],
      scopes.map(scope => figures.map((figure, index) => row(figure, scope, index === 0, comparison))),
    )}
    <p class="quiet">Figures are of the whole runs. Intervals and verdicts are of their seconds: of p95, of the mean of the seconds' p95.</p>
  </section>`;
}

function row({ name, of, show, judged, isShare = false }, [endpoint, base, head], isFirst, comparison) {
  const [from, to] = [base, head].map(metrics => (metrics === undefined ? null : of(metrics)));
  const found = comparison.figures.find(each => each.endpoint === endpoint && each.figure === judged);
  const text = value => (value === null ? '–' : show(value));
  const interval = found?.confidence_interval;
  return html`<tr>
    ${isFirst ? html`<th scope="rowgroup" rowspan=${figures.length}>${endpoint ?? 'All'}</th>` : nothing}
    <th scope="row">${name}</th>
    <td class="figure">${text(from)}</td>
    <td class="figure">${text(to)}</td>
    <td class="figure">${difference(from, to, isShare)}</td>
    <td class="figure">${interval ? `${signed(interval.low, isShare)} to ${signed(interval.high, isShare)}` : '–'}</td>
    <td>${found ? badge(found.verdict) : '–'}</td>
  </tr>`;
}

/** Of a share in points, else in percent of the base. */
function difference(from, to, isShare) {
  if (from === null || to === null || (from === 0 && to !== 0 && !isShare)) return '–';
  return signed(isShare ? to - from : from === to ? 0 : (to - from) / from, isShare);
}

const signed = (value, isShare) =>
  `${(100 * value).toLocaleString('en', { maximumFractionDigits: 2, signDisplay: 'exceptZero' })} ${isShare ? 'points' : '%'}`;
