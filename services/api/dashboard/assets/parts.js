import { html, nothing } from './lit-html/lit-html.js';

/** A figure with its name. */
export const tile = (name, value, more) => html`<div class="tile">
  <span class="name">${name}</span>
  <strong>${value}</strong>
  <span class="quiet">${more || nothing}</span>
</div>`;

const tones = {
  succeeded: 'good',
  alive: 'good',
  failed: 'bad',
  aborted: 'bad',
  lost: 'bad',
  cancelled: 'warn',
  paused: 'warn',
  partially_succeeded: 'warn',
  better: 'good',
  worse: 'bad',
  inconclusive: 'warn',
  running: 'busy',
  starting: 'busy',
  stopping: 'busy',
};

export const badge = (status, degraded = false) =>
  html`<span class="badge ${tones[status] ?? ''}">${status.replaceAll('_', ' ')}</span>${
    degraded ? html` <span class="badge warn">degraded</span>` : nothing
  }`;

/** A column of figures, which stand one below the other. */
export const figures = (...names) => names.map(name => ({ name, className: 'figure' }));

const heading = ({ name, className }) => html`<th scope="col" class=${className ?? nothing}>${name}</th>`;

/** A table that scrolls by itself where it is wider than the page. */
export const table = (
  columns,
  rows,
) => html`<div class="scroll" tabindex="0" role="region" aria-label=${columns[0]}>
  <table>
    <thead><tr>${columns.map(column => (column === '' ? html`<td></td>` : heading(column.name ? column : { name: column })))}</tr></thead>
    <tbody>${rows}</tbody>
  </table>
</div>`;
