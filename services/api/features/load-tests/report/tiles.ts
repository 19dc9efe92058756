import type { LoadTestRow } from '../../../../../shared/store/load-tests/load-tests.ts';
import { bytes, number, percent, trendFigure } from '../format.ts';
import { metricsOf } from '../present.ts';
import { type Html, html } from './html.ts';

/** The figures that people look for first. */
export function tiles(row: LoadTestRow): Html {
  const metrics = metricsOf(row);
  const { http_reqs, http_req_failed, http_req_duration, http_req_response_time, dropped_iterations } =
    metrics;
  const { logins, login_duration } = metrics;
  const shown = [
    tile('Requests', number(http_reqs.count), `${number(Math.round(http_reqs.rate * 10) / 10)} a second`),
    tile('Median', trendFigure(http_req_duration, 'med'), `average ${trendFigure(http_req_duration, 'avg')}`),
    tile('p95', trendFigure(http_req_duration, 'p(95)'), `p99 ${trendFigure(http_req_duration, 'p(99)')}`),
    tile('p95 with wait', trendFigure(http_req_response_time, 'p(95)'), 'from the intended start'),
    tile('Failed', percent(http_req_failed.rate), `${number(http_req_failed.passes)} requests`),
    dropped_iterations > 0
      ? tile('Dropped arrivals', number(dropped_iterations), 'no user was free for them')
      : tile('Users', number(metrics.vus_max), 'at most'),
    ...(logins && login_duration
      ? [
          tile(
            'Logins',
            number(logins.count),
            `${logins.failed} failed, median ${trendFigure(login_duration, 'med')}`,
          ),
        ]
      : []),
    tile('Received', bytes(metrics.data_received), `sent ${bytes(metrics.data_sent)}`),
  ];
  return html`<section class="tiles" aria-label="Key figures">${shown}</section>`;
}

const tile = (name: string, figure: string, note: string): Html =>
  html`<div class="tile"><h2>${name}</h2><p class="figure">${figure}</p><p>${note}</p></div>`;
