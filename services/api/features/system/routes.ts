import { getHealthOperation, getMetricsOperation } from '../../../../shared/http/system.ts';
import { type Route, route, stream } from '../../route.ts';
import { type HealthDeps, readHealth } from './health.ts';
import type { Metrics } from './metrics.ts';

export const systemRoutes = (deps: HealthDeps & { metrics: Metrics }): Route[] => [
  route(getHealthOperation, async () => {
    const body = await readHealth(deps);
    return body.status === 'down' ? { status: 503, body } : { status: 200, body };
  }),

  route(getMetricsOperation, async () => stream(deps.metrics.contentType, [await deps.metrics.text()])),
];
