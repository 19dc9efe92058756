import { attempt, call, every, mayOperate } from './api.js';
import { ago, count, duration, rate, share } from './format.js';
import { html, nothing, render } from './lit-html/lit-html.js';
import { badge, figures, table, tile } from './parts.js';

/** All that goes on: tests, jobs, workers. @returns what ends it */
export function showOverview(view) {
  const state = {
    tests: [],
    active: [],
    jobs: [],
    workers: [],
    running: [],
    queued: [],
    users: undefined,
    accounts: undefined,
  };
  const draw = () => render(overview(state), view);
  const ends = [
    every(2000, async () => {
      const [tests, active, jobs, workers, running, queued] = await Promise.all([
        call('GET', '/api/load-tests?limit=20'),
        call('GET', '/api/load-tests?status=active&limit=100'),
        call('GET', '/api/jobs?limit=20'),
        call('GET', '/api/workers'),
        call('GET', `/api/jobs?status=running&limit=${counted}`),
        call('GET', `/api/jobs?status=queued&limit=${counted}`),
      ]);
      Object.assign(state, {
        tests: tests.items,
        active: active.items,
        jobs: jobs.items,
        running: running.items,
        queued: queued.items,
        workers: workers.items.filter(({ status }) => status !== 'stopped'),
      });
      draw();
    }),
    // these count every user: once in a while
    every(30_000, async () => {
      [state.users, state.accounts] = await Promise.all([
        call('GET', '/api/bulk-users/stats'),
        call('GET', '/api/users/stats'),
      ]);
      draw();
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** How many jobs are counted; of more it is said that there are. */
const counted = 100;
const upTo = ({ length }) => (length < counted ? count(length) : `${counted} or more`);
const known = value => (value === undefined ? '…' : count(value));

function overview({ tests, active, jobs, running, queued, workers, users, accounts }) {
  const alive = workers.filter(({ status }) => status === 'alive');
  const load = active.reduce((sum, { active_users }) => sum + active_users, 0);
  return html`
    <h1>Overview</h1>
    <section class="tiles" aria-label="At a glance">
      ${tile('Load tests under way', count(active.length), load > 0 ? `${count(load)} users` : '')}
      ${tile('Jobs under way', upTo(running), queued.length > 0 ? `${upTo(queued)} wait` : '')}
      ${tile('Workers', count(alive.length), alive.length < workers.length ? `${workers.length - alive.length} lost` : '')}
      ${tile('Test users', known(users?.test_users), users && `beside ${count(users.production_users)} others`)}
      ${tile('Accounts', known(accounts?.total_users), accounts && `${count(accounts.active_sessions)} logged in`)}
    </section>
    <section>
      <div class="title">
        <h2>Load tests</h2>
        ${mayOperate ? html`<a class="button" href="#/load-tests/new">New load test</a>` : nothing}
        ${mayOperate && active.length > 0 ? html`<button class="danger" @click=${attempt(stopAll)}>Emergency stop</button>` : nothing}
      </div>
      ${
        tests.length === 0
          ? html`<p class="quiet">None yet. On the command line: <code>npm run muster -- load-tests run --users 50 --duration 30s --follow</code></p>`
          : table(
              ['Name', 'Status', ...figures('Users', 'Requests', 'Rate', 'p95', 'Failed'), 'Asked for'],
              tests.map(testRow),
            )
      }
    </section>
    <section>
      <h2>Jobs</h2>
      ${jobs.length === 0 ? html`<p class="quiet">None yet.</p>` : table(['Job', 'Status', 'Progress', 'By', 'Asked for', ''], jobs.map(jobRow))}
    </section>
    <section>
      <h2>Workers</h2>
      ${
        workers.length === 0
          ? html`<p class="error">No worker is running: jobs wait.</p>`
          : table(['Worker', 'Status', 'At work on', 'Heard of'], workers.map(workerRow))
      }
    </section>`;
}

async function stopAll() {
  if (!confirm('Stop every load test at once? Requests under way are cut off.')) return '';
  const { unconfirmed } = await call('POST', '/api/load-tests/emergency-stop');
  if (unconfirmed.length === 0) return '';
  const workers = [...new Set(unconfirmed.map(({ worker }) => worker))].join(', ');
  return `Not confirmed by ${workers}, which nobody can reach: one that is cut off stops by itself within 5 seconds.`;
}

const testRow = ({ id, status, degraded, config, metrics, active_users, created_at }) => html`<tr>
  <th scope="row"><a href="#/load-tests/${id}">${config.session_name}</a></th>
  <td>${badge(status, degraded)}</td>
  <td class="figure">${count(active_users)}</td>
  <td class="figure">${count(metrics.http_reqs.count)}</td>
  <td class="figure">${rate(metrics.http_reqs.rate)}</td>
  <td class="figure">${duration(metrics.http_req_duration, 'p(95)')}</td>
  <td class="figure">${share(metrics.http_req_failed.rate)}</td>
  <td>${ago(created_at)}</td>
</tr>`;

const isOpen = ({ finished_at }) => finished_at === null;

const jobRow = job => html`<tr>
  <th scope="row" title=${job.id}>${job.kind}</th>
  <td>${badge(job.status)}</td>
  <td>${job.error ? html`<span class="error">${job.error.message}</span>` : progressOf(job)}</td>
  <td>${job.requested_by}</td>
  <td>${ago(job.created_at)}</td>
  <td>
    ${
      mayOperate && isOpen(job)
        ? html`<button @click=${attempt(() => call('POST', job.links.cancel))} aria-label="Cancel ${job.kind}">Cancel</button>`
        : nothing
    }
  </td>
</tr>`;

const progressOf = job =>
  isOpen(job) && job.progress
    ? html`<progress max="100" value=${job.progress.percent} aria-label="Progress"></progress>
        ${job.progress.phase} ${count(job.progress.done)} of ${count(job.progress.total)}`
    : nothing;

function workerRow({ name, status, queues, last_seen_at }) {
  const busy = Object.entries(queues).filter(([, { active }]) => active > 0);
  return html`<tr>
    <th scope="row">${name}</th>
    <td>${badge(status)}</td>
    <td>${busy.length === 0 ? html`<span class="quiet">nothing</span>` : busy.map(([queue, { active }]) => `${queue} ${active}`).join(', ')}</td>
    <td>${ago(last_seen_at)}</td>
  </tr>`;
}
