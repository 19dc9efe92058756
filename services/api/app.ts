import express, { type Express, type RequestHandler } from 'express';
import { getOpenApiOperation } from '../../shared/http/system.ts';
import { AppError } from '../../shared/kernel/errors.ts';
import type { Config } from '../../shared/platform/config.ts';
import type { Logger } from '../../shared/platform/log.ts';
import type { Database } from '../../shared/platform/postgres/db.ts';
import type { QueueClient } from '../../shared/platform/queue/client.ts';
import { createRateLimiter } from '../../shared/store/access/rate-limits.ts';
import type { UserTable } from '../../shared/store/users/user-table.ts';
import { bullBoard, bullBoardPath } from './bull-board.ts';
import { dashboard, dashboardPath } from './dashboard/dashboard.ts';
import { createDispatcher } from './dispatch.ts';
import { apiKeyRoutes } from './features/api-keys/routes.ts';
import type { AlertWatch } from './features/system/alerts.ts';
import { createGuardWatch } from './features/system/guard-watch.ts';
import { createMetrics } from './features/system/metrics.ts';
import type { ResponseTimes } from './features/system/response-times.ts';
import { systemRoutes } from './features/system/routes.ts';
import { accessLog } from './middleware/access-log.ts';
import { httpTerms } from './middleware/http-terms.ts';
import { identify } from './middleware/identify.ts';
import { refuseOtherMethods } from './middleware/methods.ts';
import { problems } from './middleware/problem.ts';
import { addressOf, rateLimit } from './middleware/rate-limit.ts';
import { securityHeaders } from './middleware/security-headers.ts';
import { docsPage } from './openapi/docs-page.ts';
import { createOpenApiDocument } from './openapi/document.ts';
import { loginPages } from './pages/login.ts';
import { ok, type Route, route } from './route.ts';

export interface AppDeps {
  config: Pick<
    Config,
    'DISABLE_AUTH' | 'TRUST_PROXY' | 'RATE_LIMIT_PER_MINUTE' | 'LOGIN_ATTEMPTS_PER_MINUTE'
  >;
  version: string;
  logger: Logger;
  database: Database;
  applicationDatabase: Database;
  users: UserTable;
  queue: QueueClient;
  responseTimes: ResponseTimes;
  alerts: AlertWatch;
  /** The routes of the features (`features.ts`). */
  routes: readonly Route[];
  /** Aborts when the process stops: event streams end. */
  stopping: AbortSignal;
}

/** The whole API as an Express app. It opens nothing, and needs no stop of its own. */
export function createApp(deps: AppDeps): Express {
  const { config, logger, database, queue } = deps;
  const { responseTimes, alerts } = deps;
  const metrics = createMetrics({ db: database.db, queue, logger, responseTimes, alerts });
  const guards = createGuards(deps);
  const guardWatch = createGuardWatch(deps.applicationDatabase.db, deps.users.mapping);
  const routes = withOpenApi(
    [...systemRoutes({ ...deps, metrics, guards: guardWatch }), ...apiKeyRoutes(), ...deps.routes],
    deps,
  );

  const app = express();
  app.disable('x-powered-by').disable('etag').set('trust proxy', config.TRUST_PROXY);
  app.use(accessLog(logger), securityHeaders(), httpTerms());
  app.use(
    loginPages({ db: database.db, home: dashboardPath, limit: rateLimit(loginLimiter(deps), addressOf) }),
  );
  app.use(bullBoardPath, bullBoard({ queue, db: database.db, guards }));
  app.use(dashboardPath, dashboard(guards));
  app.use('/api/docs', docsPage());
  app.get('/', (_request, response) => response.redirect(303, dashboardPath));
  app.get('/admin/bulk-users', (_request, response) => response.redirect(303, bullBoardPath));
  app.use(
    createDispatcher({ db: database.db, stopping: deps.stopping, guards, observe: metrics.observe }, routes),
  );
  refuseOtherMethods(app.router);
  app.use(nothingHere);
  app.use(problems());
  return app;
}

function createGuards({ config, database: { db } }: AppDeps): RequestHandler[] {
  const limiter = createRateLimiter(db, { name: 'api', perMinute: config.RATE_LIMIT_PER_MINUTE });
  return [identify({ db, disableAuth: config.DISABLE_AUTH }), rateLimit(limiter)];
}

const loginLimiter = ({ config, database: { db } }: AppDeps) =>
  createRateLimiter(db, { name: 'login', perMinute: config.LOGIN_ATTEMPTS_PER_MINUTE });

function withOpenApi(routes: Route[], { version }: AppDeps): Route[] {
  const operations = [getOpenApiOperation, ...routes.map(({ operation }) => operation)];
  const document = createOpenApiDocument(operations, version);
  return [route(getOpenApiOperation, async () => ok({ ...document })), ...routes];
}

const nothingHere: RequestHandler = ({ path }) => {
  throw new AppError('not_found', `There is nothing at ${path}`, {
    hint: 'GET /api/docs lists what there is.',
  });
};
