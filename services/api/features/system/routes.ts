import { listAlertsOperation } from '../../../../shared/http/alerts.ts';
import { getHealthOperation, getMetricsOperation } from '../../../../shared/http/system.ts';
import { ok, type Route, route, stream } from '../../route.ts';
import type { AlertWatch } from './alerts.ts';
import { type HealthDeps, readHealth } from './health.ts';
import type { Metrics } from './metrics.ts';

export interface SystemRoutesDeps extends HealthDeps {
  metrics: Metrics;
  alerts: Pick<AlertWatch, 'look'>;
}

export const systemRoutes = (deps: SystemRoutesDeps): Route[] => [
  route(getHealthOperation, async () => {
    const body = await readHealth(deps);
    return body.status === 'down' ? { status: 503, body } : { status: 200, body };
  }),

  route(getMetricsOperation, async () => stream(deps.metrics.contentType, [await deps.metrics.text()])),

  route(listAlertsOperation, async () => ok({ items: await deps.alerts.look() })),
];
