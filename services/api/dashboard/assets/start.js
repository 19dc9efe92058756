import { attempt, call, mayOperate, say } from './api.js';
import { bodyOf, costOf, draftOf } from './draft.js';
import { createFields } from './fields.js';
import { clock, count } from './format.js';
import { html, nothing, render } from './lit-html/lit-html.js';
import { about, accounts, endpoints, load, more, thresholds } from './start-sections.js';

/**
 * The form for a load test: from the defaults, or from the definition of another one. It is the body of `POST /api/load-tests`,
 * as fields or as JSON. @returns what ends it
 */
export function showStart(view, againId) {
  if (!mayOperate) {
    render(
      html`<p class="quiet">Load tests are started by operators. <a href="#/">All load tests</a></p>`,
      view,
    );
    return () => {};
  }
  const state = { draft: draftOf({}), json: undefined, isSending: false, known: undefined };
  let hasLeft = false;
  const draw = () => {
    if (state.known !== undefined && !hasLeft) render(page(state, fields, draw, againId), view);
  };
  const fields = createFields(draw);
  void attempt(async () => {
    const [{ limits, defaults }, stats, definition] = await Promise.all([
      call('GET', '/api/load-tests/limits'),
      call('GET', '/api/users/stats'),
      againId === undefined ? {} : call('GET', `/api/load-tests/${againId}/definition`),
    ]);
    state.known = { limits, defaults, byBatch: stats.by_batch, total: stats.total_users };
    state.draft = draftOf(definition);
    draw();
  })();
  return () => {
    hasLeft = true;
    say();
  };
}

function page(state, fields, draw, againId) {
  const { draft, json, known, isSending } = state;
  const content = () =>
    json === undefined
      ? [about, load, endpoints, thresholds, accounts, more].map(part => part(fields, draft, known, draw))
      : fields.area('json', 'Body of POST /api/load-tests', state, 'json', { rows: 28, className: 'wide' });
  return html`
    <div class="title">
      <h1>${againId === undefined ? 'New load test' : 'Run again'}</h1>
      <button type="button" @click=${attempt(() => turn(state, fields, draw))}>${json === undefined ? 'As JSON' : 'As a form'}</button>
    </div>
    <form class="definition" novalidate @submit=${event => start(event, state, fields, draw)}>
      ${fields.form(content)}
      <div class="controls">
        <button class="primary" ?disabled=${isSending}>${isSending ? 'Starting …' : 'Start'}</button>
        ${json === undefined ? cost(draft, known) : nothing}
      </div>
    </form>`;
}

/** Fields to JSON, and back. */
function turn(state, fields, draw) {
  if (state.json === undefined) state.json = JSON.stringify(bodyOf(state.draft), null, 2);
  else {
    state.draft = draftOf(parsed(state.json));
    state.json = undefined;
  }
  fields.blame([]);
  draw();
}

function parsed(text) {
  try {
    const body = JSON.parse(text);
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body;
  } catch (error) {
    throw new Error(`That is no JSON: ${error.message}`);
  }
  throw new Error('That is no JSON object');
}

async function start(event, state, fields, draw) {
  event.preventDefault();
  const form = event.target;
  try {
    const body = state.json === undefined ? bodyOf(state.draft) : parsed(state.json);
    state.isSending = true;
    draw();
    const { id } = await call('POST', '/api/load-tests', body);
    say();
    location.hash = `#/load-tests/${id}`;
  } catch (error) {
    const { message, faults = [] } = error;
    state.isSending = false;
    fields.blame(faults);
    say(
      faults.length > 0
        ? `Not started: ${faults.length === 1 ? 'one fault' : `${faults.length} faults`}, see below.`
        : message,
    );
    (form.querySelector('[aria-invalid="true"]') ?? form.querySelector('button.primary')).focus();
  }
}

function cost(draft, { limits, defaults }) {
  const { seconds, users, requests } = costOf({
    ...draft,
    concurrent_users:
      draft.concurrent_users ?? (draft.executor === 'constant-vus' ? defaults.concurrent_users : undefined),
    duration: draft.duration ?? (draft.duration_minutes === undefined ? defaults.duration : undefined),
    request_interval_min:
      draft.request_interval_min ??
      Math.min(defaults.request_interval_min, draft.request_interval_max ?? Infinity),
  });
  if (Number.isNaN(seconds + users))
    return html`<p class="quiet">What it costs at most is shown once the load is filled in.</p>`;
  const all = Number.isFinite(requests)
    ? `${count(requests)} requests`
    : 'as many requests as the target answers';
  const isAbove = users > limits.concurrent_users || seconds > limits.duration_seconds;
  return html`<p class=${isAbove ? 'error' : 'quiet'}>At most ${count(users)} VUs and ${all} in ${clock(seconds)}${isAbove ? ': above the limits' : ''}</p>`;
}
