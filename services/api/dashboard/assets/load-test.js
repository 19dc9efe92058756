import { attempt, call, every, mayOperate } from './api.js';
import { createCharts } from './charts.js';
import { ago, clock, count, duration, rate, share } from './format.js';
import { html, nothing, render } from './lit-html/lit-html.js';
import { findOthers, others } from './others.js';
import { badge, figures as columnsOf, table, tile } from './parts.js';
import { followRun, isOpen } from './run-stream.js';

const eventsShown = 50;
/** Points that are drawn: of more, the history is read again, in longer steps. */
const mostDrawn = 3600;

/** One load test as it runs. @returns what ends it */
export function showLoadTest(view, id) {
  const path = `/api/load-tests/${id}`;
  const [above, middle, below] = ['div', 'div', 'div'].map(name => document.createElement(name));
  middle.className = 'charts';
  view.append(above, middle, below);
  const charts = createCharts(middle);
  const state = { test: undefined, metrics: undefined, events: [] };
  let source;
  let following;
  let hasLeft = false;

  let drawing;
  /** Once a frame, however many seconds a stream tells at once. */
  const draw = () => {
    drawing ??= requestAnimationFrame(() => {
      drawing = undefined;
      const { test } = state;
      if (test === undefined) return;
      render(figures(test, state.metrics ?? test.metrics, path, refresh), above);
      render([details(test, state.events), others(test, state.others)], below);
    });
  };
  async function refresh() {
    state.test = await call('GET', path);
    if (!isOpen(state.test)) state.others ??= await findOthers(state.test);
    if (!isOpen(state.test)) state.metrics = undefined; // the end's figures are those of the test itself
    draw();
    const isFollowed =
      source !== undefined && (source.readyState !== EventSource.CLOSED || !isOpen(state.test));
    if (isFollowed) return;
    following ??= follow().finally(() => {
      following = undefined;
    });
    await following;
  }
  function forget() {
    source?.close();
    source = undefined;
  }
  async function follow() {
    forget();
    const stream = await followRun(state.test, {
      begin(steps) {
        charts.clear();
        state.events = [];
        for (const step of steps) charts.add(step);
      },
      tick({ point, metrics }) {
        if (charts.add(point) > mostDrawn) forget();
        if (isOpen(state.test)) state.metrics = metrics;
        draw();
      },
      event(event) {
        state.events = [event, ...state.events].slice(0, eventsShown);
        draw();
      },
      over: () => !isOpen(state.test),
    });
    if (hasLeft) stream.close();
    else source = stream;
  }

  const end = every(2000, refresh);
  return () => {
    hasLeft = true;
    end();
    forget();
    cancelAnimationFrame(drawing);
    charts.destroy();
  };
}

function figures(test, metrics, path, refresh) {
  const { config, status, degraded, degraded_because: because, reason } = test;
  const began = test.started_at ?? test.created_at;
  return html`
    <div class="title">
      <h1>${config.session_name} ${badge(status, degraded)}</h1>
      ${mayOperate ? (isOpen(test) ? controls(test, path, refresh) : html`<a class="button" href="#/load-tests/new/${test.id}">Run again</a>`) : nothing}
    </div>
    <p class="quiet">
      ${config.target_url} · ${config.executor} for ${clock(config.duration_seconds)} · begun ${ago(began)} ·
      <a href="${path}/report">report</a> · <a href="${path}/summary">summary</a> · <a href="#/">all load tests</a>
    </p>
    ${reason ? html`<p class="error">${reason.message}</p>` : nothing}
    ${degraded ? degradation(because) : nothing}
    <section class="tiles" aria-label="The whole run so far">
      ${tile('Requests', count(metrics.http_reqs.count), rate(metrics.http_reqs.rate))}
      ${tile('p95', duration(metrics.http_req_duration, 'p(95)'), `median ${duration(metrics.http_req_duration, 'med')}`)}
      ${tile('Failed', share(metrics.http_req_failed.rate), `${count(metrics.http_req_failed.passes)} requests`)}
      ${tile('Users', count(isOpen(test) ? metrics.vus : 0), `at most ${count(metrics.vus_max)}`)}
      ${tile('Dropped', count(metrics.dropped_iterations), 'arrivals without a user')}
    </section>`;
}

const degradation = because => html`<p>Less load was delivered than asked:</p>
  <ul class="faults">${because.map(why => html`<li>${why}</li>`)}</ul>`;

function controls(test, path, refresh) {
  const { paused, stop } = test.control;
  const isStopping = stop !== null;
  const change = body =>
    attempt(async () => {
      await call('PATCH', path, body);
      await refresh();
    });
  const { executor } = test.config;
  const [field, label] = executor.endsWith('arrival-rate') ? ['rate', 'Rate'] : ['concurrent_users', 'Users'];
  const planned = executor.startsWith('constant') ? test.config[field] : ''; // stages have no one figure
  const now = test.control[field] ?? planned;
  return html`<form class="controls" @submit=${attempt(async ({ target }) => {
    const load = new FormData(target).get('load');
    await call('PATCH', path, { [field]: load === '' ? null : Number(load) });
    await refresh();
  })}>
    <label>${label} <input name="load" type="number" min="0" step="any" placeholder="as planned" .defaultValue=${String(now)} ?disabled=${isStopping}></label>
    <button ?disabled=${isStopping}>Set</button>
    <button type="button" ?disabled=${isStopping} @click=${change({ paused: !paused })}>${paused ? 'Go on' : 'Pause'}</button>
    <button type="button" class="danger" ?disabled=${isStopping} @click=${attempt(async () => {
      await call('POST', `${path}/stop`);
      await refresh();
    })}>Stop</button>
  </form>`;
}

function details({ config, thresholds, endpoints, shards, metrics }, events) {
  const measured = config.endpoints
    .filter(({ name }) => endpoints[name] !== undefined)
    .map(({ name }) => [name, endpoints[name]]);
  const errors = Object.entries(metrics.errors);
  return html`
    ${
      thresholds.length === 0
        ? nothing
        : html`<section>
          <h2>Thresholds</h2>
          ${table(
            ['Metric', 'Is to be', ...columnsOf('Is'), ''],
            thresholds.map(
              ({ metric, expression, actual, ok }) => html`<tr>
                <th scope="row">${metric}</th><td>${expression}</td><td class="figure">${actual === null ? '–' : Number(actual.toPrecision(6))}</td>
                <td><span class="badge ${ok ? 'good' : 'bad'}">${ok ? 'kept' : 'crossed'}</span></td>
              </tr>`,
            ),
          )}
        </section>`
    }
    <section>
      <h2>Endpoints</h2>
      ${
        measured.length === 0
          ? html`<p class="quiet">Nothing measured yet.</p>`
          : table(
              ['Endpoint', ...columnsOf('Requests', 'Rate', 'Median', 'p95', 'Failed')],
              measured.map(
                ([name, { http_reqs, http_req_duration: times, http_req_failed }]) => html`<tr>
            <th scope="row">${name}</th>
            <td class="figure">${count(http_reqs.count)}</td><td class="figure">${rate(http_reqs.rate)}</td>
            <td class="figure">${duration(times, 'med')}</td><td class="figure">${duration(times, 'p(95)')}</td>
            <td class="figure">${share(http_req_failed.rate)}</td>
          </tr>`,
              ),
            )
      }
      ${errors.length === 0 ? nothing : html`<p>Errors: ${errors.map(([kind, n]) => `${kind} ${count(n)}`).join(', ')}</p>`}
    </section>
    <section>
      <h2>Shards</h2>
      ${table(
        ['Shard', 'Worker', 'Status', ...columnsOf('Requests')],
        shards.map(
          ({ shard, worker, status, requests }) => html`<tr>
            <th scope="row">${shard}</th><td>${worker ?? '–'}</td><td>${status}</td><td class="figure">${count(requests)}</td>
          </tr>`,
        ),
      )}
    </section>
    <section>
      <h2>What happened</h2>
      ${
        events.length === 0
          ? html`<p class="quiet">Nothing yet.</p>`
          : html`<ol class="events">${events.map(
              ({ second, message, actor }) => html`<li>
              <span class="quiet">${second === null ? '–' : clock(second)}</span> ${message}${actor ? html` <span class="quiet">by ${actor}</span>` : nothing}
            </li>`,
            )}</ol>`
      }
    </section>`;
}
