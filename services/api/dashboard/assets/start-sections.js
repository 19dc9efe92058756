import { isArrivalRate, isRamping, thresholdPointer } from './draft.js';
import { count } from './format.js';
import { html, nothing } from './lit-html/lit-html.js';

/** The parts of the form for a load test. Each takes the fields, the draft and what the API said of limits and accounts. */
const executors = ['constant-vus', 'ramping-vus', 'constant-arrival-rate', 'ramping-arrival-rate'];
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
export const metrics = [
  'http_req_duration',
  'http_req_response_time',
  'http_req_failed',
  'http_reqs',
  'dropped_iterations',
  'login_duration',
  'vus',
];
const policies = {
  unique: 'unique: one a user',
  round_robin: 'round_robin: users take turns',
  shared: 'shared: also with other runs',
};
const same = value => [value, value];

/** Rows that can be added and taken out; `below` is the part of one that has a line of its own. */
function rows({ blame }, { list, changed, name, empty, add, below = () => nothing }, row) {
  const remove = index => () => {
    list.splice(index, 1);
    blame([]); // what was said of the rows after it would stand at others
  };
  const append = () => {
    list.push(add());
    changed();
  };
  return html`
    ${list.length === 0 ? html`<p class="quiet">${empty}</p>` : nothing}
    ${list.map(
      (item, index) => html`<div class="row" role="group" aria-label="${name} ${index + 1}">
        ${row(item, index)}
        <button type="button" aria-label="Remove ${name} ${index + 1}" @click=${remove(index)}>Remove</button>
        ${below(item, index)}
      </div>`,
    )}
    <button type="button" @click=${append}>Add ${name}</button>`;
}

const section = (title, content) => html`<fieldset><legend>${title}</legend>${content}</fieldset>`;

export const about = ({ input }, draft, { defaults }) =>
  section(
    'Test',
    html`<div class="fields">
      ${input('/session_name', 'Name', draft, 'session_name', { placeholder: defaults.session_name })}
      ${input('/target_url', 'Target', draft, 'target_url', { className: 'wide', placeholder: defaults.target_url ?? 'https://…' })}
    </div>`,
  );

export function load(fields, draft, { limits, defaults }, changed) {
  const { input, select, note } = fields;
  const byRate = isArrivalRate(draft);
  const users = { 'constant-vus': 'VUs', 'ramping-vus': 'VUs at the start' }[draft.executor] ?? 'VUs at most';
  const usersPlaceholder =
    { 'constant-vus': String(defaults.concurrent_users), 'ramping-vus': '1' }[draft.executor] ?? 'by rate';
  const number = (key, label, options) => input(`/${key}`, label, draft, key, { type: 'number', ...options });
  const atMostRate = `at most ${count(limits.rate_per_second)}/s`;
  draft.stages ??= [];
  return section(
    'Load',
    html`<div class="fields">
      ${select('/executor', 'Executor', draft.executor, executors.map(same), value => {
        draft.executor = value;
      })}
      ${byRate ? number('rate', isRamping(draft) ? 'Arrival rate at the start' : 'Arrival rate', { hint: atMostRate }) : nothing}
      ${byRate ? input('/time_unit', 'per', draft, 'time_unit', { placeholder: '1s' }) : nothing}
      ${number('concurrent_users', users, { placeholder: usersPlaceholder, hint: `at most ${count(limits.concurrent_users)}` })}
      ${isRamping(draft) ? nothing : input('/duration', 'Duration', draft, 'duration', { placeholder: defaults.duration, hint: 'such as 1m30s' })}
      ${
        byRate
          ? nothing
          : html`${number('request_interval_min', 'Pause at least, s', { placeholder: String(defaults.request_interval_min) })}
            ${number('request_interval_max', 'Pause at most, s', { placeholder: String(defaults.request_interval_max) })}`
      }
    </div>
    ${
      isRamping(draft)
        ? html`<h2>Stages</h2>${note('/stages')}
          ${rows(
            fields,
            {
              list: draft.stages,
              changed,
              name: 'stage',
              empty: 'A ramp needs one.',
              add: () => ({ duration: '30s', target: 10 }),
            },
            (stage, index) => html`
              ${input(`/stages/${index}/duration`, 'Duration', stage, 'duration')}
              ${input(`/stages/${index}/target`, byRate ? 'To arrival rate' : 'To VUs', stage, 'target', { type: 'number' })}`,
          )}`
        : nothing
    }`,
  );
}

export function endpoints(fields, draft, _known, changed) {
  const { input, area, select, note, isBlamed } = fields;
  const at = index => `/endpoints/${index}`;
  const hasFaultBelow = index => isBlamed(`${at(index)}/headers`) || isBlamed(`${at(index)}/body`);
  const below = (endpoint, index) => html`<details ?open=${hasFaultBelow(index)}>
    <summary>Headers, body</summary>
    ${area(`${at(index)}/headers`, 'Headers', endpoint, 'headers', { placeholder: 'Name: value' })}
    ${area(`${at(index)}/body`, 'Body', endpoint, 'body')}
  </details>`;
  const list = {
    list: draft.endpoints,
    changed,
    name: 'endpoint',
    empty: "None: those of the target's catalogue.",
    add: () => ({ name: '', url: '/', headers: '', body: '' }),
    below,
  };
  return section(
    'Endpoints',
    html`${note('/endpoints')}
    ${rows(
      fields,
      list,
      (endpoint, index) => html`
        ${input(`${at(index)}/name`, 'Name', endpoint, 'name')}
        ${select(`${at(index)}/method`, 'Method', endpoint.method ?? 'GET', methods.map(same), value => {
          endpoint.method = value;
        })}
        ${input(`${at(index)}/url`, 'Path', endpoint, 'url', { className: 'wide' })}
        ${input(`${at(index)}/weight`, 'Weight', endpoint, 'weight', { type: 'number', placeholder: '1' })}
        ${input(`${at(index)}/timeout`, 'Timeout, s', endpoint, 'timeout', { type: 'number', placeholder: '30' })}`,
    )}`,
  );
}

export function thresholds(fields, draft, _known, changed) {
  const { input, note } = fields;
  return section(
    'Thresholds',
    html`${note('/thresholds')}
    <datalist id="metrics">${metrics.map(metric => html`<option value=${metric}></option>`)}</datalist>
    ${rows(
      fields,
      {
        list: draft.thresholds,
        changed,
        name: 'threshold',
        empty: 'None: the test succeeds if it runs to its end.',
        add: () => ({ metric: 'http_req_duration', threshold: 'p(95)<500' }),
      },
      (row, index) => html`
        ${input(`${thresholdPointer(draft.thresholds, index)}/metric`, 'Metric', row, 'metric', { list: 'metrics', className: 'wide' })}
        ${input(thresholdPointer(draft.thresholds, index), 'Is to be', row, 'threshold', { placeholder: 'p(95)<500' })}
        <label class="check"><input type="checkbox" .checked=${row.abort_on_fail ?? false} @change=${({
          target,
        }) => {
          row.abort_on_fail = target.checked;
        }}> abort on fail</label>`,
    )}`,
  );
}

export function accounts({ select }, draft, { byBatch, total }) {
  const { user_pool: pool } = draft;
  const batches = Object.entries(byBatch).filter(([batch]) => batch !== 'none');
  const chosen = pool === undefined ? 'no' : (pool.batch_id ?? 'all');
  const known = ['no', 'all', ...batches.map(([batch]) => batch)].includes(chosen) ? [] : [[chosen, 0]];
  const choices = [
    ['no', 'No accounts'],
    ['all', `All accounts · ${count(total)}`],
    ...[...batches, ...known].map(([batch, n]) => [batch, `Batch ${batch} · ${count(n)}`]),
  ];
  const choose = value => {
    if (value === 'no') delete draft.user_pool;
    else {
      draft.user_pool = { ...pool };
      delete draft.user_pool.batch_id;
      if (value !== 'all') draft.user_pool.batch_id = value;
    }
  };
  const logins = [
    ['default', 'log in at the storefront'],
    ['sessions', 'only those with a session'],
    ...(typeof pool?.login === 'object' ? [['given', `log in at ${pool.login.path}`]] : []),
  ];
  const login = typeof pool?.login === 'object' ? 'given' : pool?.login === false ? 'sessions' : 'default';
  return section(
    'Accounts',
    html`<div class="fields">
      ${select('/user_pool', 'Pool', chosen, choices, choose, { className: 'wide' })}
      ${
        pool === undefined
          ? nothing
          : html`${select(
              '/user_pool/policy',
              'Policy',
              pool.policy ?? 'unique',
              Object.entries(policies),
              value => {
                pool.policy = value;
              },
            )}
            ${select('/user_pool/login', 'Sessions', login, logins, value => {
              if (value === 'default') delete pool.login;
              if (value === 'sessions') pool.login = false;
            })}`
      }
    </div>`,
  );
}

export const more = ({ input }, draft, { defaults }) => {
  const number = (key, label, placeholder) =>
    input(`/${key}`, label, draft, key, { type: 'number', placeholder });
  return section(
    'Limits',
    html`<div class="fields">
      ${number('max_errors_per_minute', 'Errors a minute, at most', String(defaults.max_errors_per_minute))}
      ${number('workers', 'Workers', 'all')}
      ${number('seed', 'Seed', 'a new one')}
    </div>`,
  );
};
