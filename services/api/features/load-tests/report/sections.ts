import type { EndpointMetrics, LoadMetrics } from '../../../../../shared/contracts/load-metrics.ts';
import type { LoadEvent, LoadTestConfig } from '../../../../../shared/contracts/load-tests.ts';
import type { LoadErrorRow } from '../../../../../shared/store/load-tests/load-results.ts';
import type { LoadShardRow } from '../../../../../shared/store/load-tests/load-shards.ts';
import type { LoadTestRow } from '../../../../../shared/store/load-tests/load-tests.ts';
import { number, percent, trendFigure } from '../format.ts';
import { type Html, html } from './html.ts';
import { toneOf } from './marks.ts';
import { clock } from './scale.ts';

/** The report's tables. */
type Cell = string | Html;
interface Column {
  title: string;
  isNumber?: boolean;
}

function table(label: string, columns: readonly Column[], rows: readonly (readonly Cell[])[]): Html {
  const classOf = (index: number) => (columns[index]?.isNumber ? 'n' : '');
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table>
    <thead><tr>${columns.map(({ title }, index) => html`<th scope="col" class="${classOf(index)}">${title}</th>`)}</tr></thead>
    <tbody>${rows.map(
      row => html`<tr>${row.map((cell, index) => html`<td class="${classOf(index)}">${cell}</td>`)}</tr>`,
    )}</tbody></table></div>`;
}

const text = (title: string): Column => ({ title });
const figure = (title: string): Column => ({ title, isNumber: true });

/** The endpoints, those with the most requests first. */
export function endpointSection({ config, endpoints }: LoadTestRow): Html {
  const rows = config.endpoints
    .flatMap(({ name, method, url }) => {
      const metrics = endpoints[name];
      return metrics === undefined ? [] : [{ name, method, url, metrics }];
    })
    .toSorted((a, b) => b.metrics.http_reqs.count - a.metrics.http_reqs.count)
    .map(({ name, method, url, metrics }) => [
      html`<strong>${name}</strong><br><code class="quiet">${method} ${url}</code>`,
      ...figuresOf(metrics),
    ]);
  const columns = ['Requests', 'a second', 'Failed', 'Average', 'Median', 'p90', 'p95', 'p99', 'Max'];
  if (rows.length === 0) return html``;
  return html`<section><h2>Endpoints</h2>${table('Endpoints', [text('Endpoint'), ...columns.map(figure)], rows)}</section>`;
}

/** Below this a figure is not marked: one red figure that matters is seen, a column of them is not. */
const conspicuousRate = 0.01;

const durationFigures = ['avg', 'med', 'p(90)', 'p(95)', 'p(99)', 'max'] as const;

function figuresOf({ http_reqs, http_req_failed, http_req_duration: duration }: EndpointMetrics): Cell[] {
  const failed = percent(http_req_failed.rate);
  return [
    number(http_reqs.count),
    number(Math.round(http_reqs.rate * 10) / 10),
    http_req_failed.rate >= conspicuousRate ? html`<span class="bad">${failed}</span>` : failed,
    ...durationFigures.map(name => trendFigure(duration, name)),
  ];
}

/** Of each kind, which has only so many samples of each endpoint: how common it is, the counts say. */
const messagesShown = 4;

/** Errors by kind, and the messages that came most often among the samples of each. */
export function errorSection({ errors, http_reqs }: LoadMetrics, samples: readonly LoadErrorRow[]): Html {
  const kinds = Object.entries(errors)
    .filter(([, count]) => count > 0)
    .toSorted(([, a], [, b]) => b - a);
  if (kinds.length === 0) return html`<section><h2>Errors</h2><p class="note">None.</p></section>`;
  const share = (count: number) => percent(count / Math.max(1, http_reqs.count));
  const byKind = kinds.map(([kind, count]) => [
    html`<span class="swatch area s-error-${kind}"></span>${kind}`,
    number(count),
    share(count),
  ]);
  const samplesOf = Map.groupBy(samples, ({ kind }) => kind);
  const bySample = kinds.flatMap(([kind]) => messagesOf(samplesOf.get(kind) ?? []));
  return html`<section><h2>Errors</h2>
    ${table('Errors by kind', [text('Kind'), figure('Requests'), figure('Of all')], byKind)}
    ${bySample.length > 0 && html`<h3>Most common among the samples of each kind</h3>`}
    ${
      bySample.length > 0 &&
      table(
        'Samples of errors',
        [text('Kind'), text('Endpoint'), text('Message'), figure('First at'), figure('Samples')],
        bySample,
      )
    }</section>`;
}

function messagesOf(samples: readonly LoadErrorRow[]): Cell[][] {
  const groups = Map.groupBy(samples, ({ endpoint, message }) => JSON.stringify([endpoint, message]));
  return [...groups.values()]
    .toSorted((a, b) => b.length - a.length)
    .slice(0, messagesShown)
    .flatMap(group => {
      const [first] = group.toSorted((a, b) => a.atMs - b.atMs); // they are saved shard by shard
      if (first === undefined) return [];
      return [[first.kind, first.endpoint, first.message, clock(first.atMs / 1000), number(group.length)]];
    });
}

/**
 * What happened, numbered as on the charts.
 * @param all how many events there are, of which these are the main ones
 */
export function eventSection(events: readonly LoadEvent[], all: number): Html {
  if (events.length === 0) return html``;
  const rows = events.map((event, index) => [
    String(index + 1),
    event.second === null ? '' : clock(Math.max(0, event.second)),
    html`<span class="dot ${toneOf(event)}"></span>${event.type.replaceAll('_', ' ')}`,
    event.message,
    [event.actor ?? '', event.shard === null ? '' : `shard ${event.shard}`].filter(Boolean).join(', '),
  ]);
  const columns = [figure('No.'), figure('At'), text('Event'), text('What'), text('Who')];
  return html`<section><h2>Events</h2>${table('Events', columns, rows)}
    ${all > events.length && html`<p class="note">There are ${number(all - events.length)} more, most of them of the same kinds: read them at /events.</p>`}</section>`;
}

export function shardSection(shards: readonly LoadShardRow[]): Html {
  if (shards.length === 0) return html``;
  const rows = shards.map(({ shard, worker, status, requests, interrupted, epoch }) => [
    String(shard),
    worker,
    status,
    number(requests),
    interrupted === null ? '–' : number(interrupted),
    epoch > 1 ? `taken over ${epoch - 1} ${epoch === 2 ? 'time' : 'times'}` : '',
  ]);
  const columns = [
    figure('Shard'),
    text('Worker'),
    text('Status'),
    figure('Requests'),
    figure('Interrupted'),
    text('Note'),
  ];
  return html`<section><h2>Workers</h2>${table('Workers', columns, rows)}</section>`;
}

/** A report is passed on: what is secret in headers stays out of it. */
export function configSection(config: LoadTestConfig): Html {
  const endpoints = config.endpoints.map(({ headers, ...endpoint }) => ({
    ...endpoint,
    ...(headers && { headers: Object.fromEntries(Object.keys(headers).map(name => [name, '***'])) }),
  }));
  const shown = JSON.stringify({ ...config, endpoints }, null, 2);
  return html`<section><details><summary>Configuration</summary><pre>${shown}</pre></details></section>`;
}
