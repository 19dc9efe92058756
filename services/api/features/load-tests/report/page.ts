import type { LoadEvent } from '../../../../../shared/contracts/load-tests.ts';
import type { LoadEventCounts } from '../../../../../shared/store/load-tests/load-events.ts';
import type { LoadErrorRow } from '../../../../../shared/store/load-tests/load-results.ts';
import type { LoadShardRow } from '../../../../../shared/store/load-tests/load-shards.ts';
import type { LoadTestRow } from '../../../../../shared/store/load-tests/load-tests.ts';
import { number, seconds } from '../format.ts';
import { hasEnded, metricsOf } from '../present.ts';
import { charts } from './charts.ts';
import type { Folded } from './fold.ts';
import { type Html, html } from './html.ts';
import { marksOf } from './marks.ts';
import { configSection, endpointSection, errorSection, eventSection, shardSection } from './sections.ts';
import { thresholdSection } from './threshold-section.ts';
import { tiles } from './tiles.ts';

/** All that a report shows. */
export interface ReportContent {
  row: LoadTestRow;
  shards: readonly LoadShardRow[];
  /** The events that the report lists: the most important ones. */
  events: readonly LoadEvent[];
  /** Counts of all events, listed or not. */
  eventCounts: LoadEventCounts;
  errors: readonly LoadErrorRow[];
  folded: Folded;
}

/** The content of the page's `<body>`. */
export function reportBody(content: ReportContent): Html {
  const { row, shards, events, eventCounts, errors, folded } = content;
  const metrics = metricsOf(row);
  return html`
<main>
  ${header(content)}
  ${tiles(row)}
  ${thresholdSection(row.thresholds)}
  <section aria-label="Charts" class="charts">
    ${folded.steps.length > 0 ? charts(folded, marksOf(events, folded.spanSeconds)) : empty}
    ${chartNotes(folded)}
    ${interruptedNote(content)}
  </section>
  ${endpointSection(row)}
  ${errorSection(metrics, errors)}
  ${eventSection(events, eventCounts.all)}
  ${shardSection(shards)}
  ${configSection(row.config)}
  <footer>Load test ${row.id} · drawn by Muster on ${instant(new Date())}</footer>
</main>
<div class="readout" role="status" hidden></div>`;
}

const empty = html`<p class="note">Nothing was measured.</p>`;

const instant = (date: Date): string => `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;

function chartNotes({ stepSeconds, gaps }: Folded): Html {
  const missing = gaps.reduce((sum, { from, to }) => sum + to - from, 0);
  return html`
    ${stepSeconds > 1 && html`<p class="note">Each step is ${stepSeconds} seconds: rates are their average, percentiles the highest of them.</p>`}
    ${missing > 0 && html`<p class="note"><span class="swatch gap"></span>Seconds in which a worker was missing (${missing} in all): its load was not delivered.</p>`}`;
}

/** A note on requests that were sent, and are in none of the figures because their end was not seen. */
function interruptedNote(content: ReportContent): Html {
  const { http_reqs, http_reqs_interrupted: count } = metricsOf(content.row);
  if (count === 0) return html``;
  if (count === undefined || count === null) return silenceNote(content);
  return html`<p class="note">${number(count)} more ${count === 1 ? 'request was' : 'requests were'} sent than the
    ${number(http_reqs.count)} that are counted here: a worker died before it told of them, or a stop cut them off. The target's log has them.</p>`;
}

/** A tick is written each second: what a worker sent after its last one may be known to the target alone. */
function silenceNote({ row, shards, eventCounts: { silences } }: ReportContent): Html {
  if (silences === 0) return html``;
  const ofOneShard = metricsOf(row).http_reqs.rate / Math.max(1, shards.length);
  return html`<p class="note">A worker that goes silent takes the figures of its last second with it: up to about
    ${number(Math.ceil(silences * ofOneShard))} requests may have reached the target and be in no figure here.</p>`;
}

const verdicts = {
  succeeded: ['Passed', 'good'],
  failed: ['Failed', 'bad'],
  aborted: ['Aborted', 'warn'],
} as const;

function verdictOf({ status }: LoadTestRow): readonly [text: string, tone: string] {
  if (status === 'succeeded' || status === 'failed' || status === 'aborted') return verdicts[status];
  return [status.charAt(0).toUpperCase() + status.slice(1), 'plain'];
}

function header({ row, shards, eventCounts }: ReportContent): Html {
  const [verdict, tone] = verdictOf(row);
  const { config, reason } = row;
  const measured =
    row.startAt && row.finishedAt ? (row.finishedAt.getTime() - row.startAt.getTime()) / 1000 : null;
  const facts = [
    config.target_url,
    loadOf(row),
    measured === null ? undefined : `ran ${seconds(measured)}`,
    shards.length === 0 ? undefined : `${shards.length} ${shards.length === 1 ? 'shard' : 'shards'}`,
    instant(row.startAt ?? row.createdAt),
  ];
  return html`
  <header>
    <p class="badges"><span class="badge ${tone}">${verdict}</span>
      ${row.degraded && html`<span class="badge warn">Degraded</span>`}
      ${!hasEnded(row) && html`<span class="badge plain">Not over yet</span>`}</p>
    <h1>${config.session_name}</h1>
    <ul class="facts">${facts.filter(fact => fact !== undefined).map(fact => html`<li>${fact}</li>`)}</ul>
    ${reason !== null && html`<p class="reason">${reason.message} <code>${reason.code}</code></p>`}
    ${row.degraded && html`<p class="reason">Less load was delivered than asked: see the gaps and the events below.</p>`}
    ${eventCounts.saturations > 0 && html`<p class="reason">The generator was the limit for a time, not the target: see the events below.</p>`}
  </header>`;
}

/** The asked load in a few words. */
function loadOf({ config }: LoadTestRow): string {
  const { executor, concurrent_users: users, rate, stages, duration_seconds, time_unit_seconds } = config;
  const unit = time_unit_seconds === 1 ? 'a second' : `every ${seconds(time_unit_seconds)}`;
  const peak = Math.max(0, ...stages.map(({ target }) => target));
  const span = seconds(duration_seconds);
  switch (executor) {
    case 'constant-vus':
      return `${number(users)} users for ${span}`;
    case 'ramping-vus':
      return `up to ${number(Math.max(users, peak))} users over ${span}`;
    case 'constant-arrival-rate':
      return `${number(rate ?? 0)} arrivals ${unit} for ${span}`;
    case 'ramping-arrival-rate':
      return `up to ${number(Math.max(rate ?? 0, peak))} arrivals ${unit} over ${span}`;
  }
}
