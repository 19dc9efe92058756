import { call } from './api.js';
import { ago, count, duration, rate, share } from './format.js';
import { html, nothing } from './lit-html/lit-html.js';
import { badge, figures, table } from './parts.js';

const shown = 20;

/** Runs that have ended, of the same name or target, among the newest: what this one can be compared with. */
export async function findOthers({ id, config }) {
  const { items } = await call('GET', '/api/load-tests?limit=100');
  const isKin = ({ config: { session_name, target_url } }) =>
    session_name === config.session_name || target_url === config.target_url;
  return items.filter(test => test.id !== id && test.finished_at !== null && isKin(test)).slice(0, shown);
}

export const others = (test, found = []) =>
  found.length === 0
    ? nothing
    : html`<section>
      <h2>Other runs</h2>
      ${table(
        ['Run', '', 'Status', ...figures('Requests', 'Rate', 'p95', 'Failed'), 'Asked for'],
        found.map(
          other => html`<tr>
            <th scope="row"><a href="#/load-tests/${other.id}">${other.config.session_name}</a></th>
            <td><a href="#/compare/${olderFirst(test, other).join('/')}" aria-label="Compare with ${other.config.session_name}, ${ago(other.created_at)}">Compare</a></td>
            <td>${badge(other.status, other.degraded)}</td>
            <td class="figure">${count(other.metrics.http_reqs.count)}</td>
            <td class="figure">${rate(other.metrics.http_reqs.rate)}</td>
            <td class="figure">${duration(other.metrics.http_req_duration, 'p(95)')}</td>
            <td class="figure">${share(other.metrics.http_req_failed.rate)}</td>
            <td>${ago(other.created_at)}</td>
          </tr>`,
        ),
      )}
    </section>`;

/** The older one is the base. */
const olderFirst = (...tests) =>
  tests.toSorted((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at)).map(({ id }) => id);
