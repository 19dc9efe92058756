import express, { type Express, type RequestHandler } from 'express';
import type { Logger } from '../../shared/platform/log.ts';
import type { Executor, Sql } from '../../shared/platform/postgres/db.ts';
import { catalogueRoutes } from './catalogue.ts';
import { answerErrors, notFound } from './errors.ts';
import { healthRoutes } from './health.ts';
import { performanceRoutes } from './performance/routes.ts';
import { loginRoutes } from './sessions/login.ts';
import { logoutRoutes } from './sessions/logout.ts';
import { meRoutes } from './sessions/me.ts';
import { cartRoutes } from './shop/cart-routes.ts';
import { orderRoutes } from './shop/order-routes.ts';
import { productRoutes } from './shop/product-routes.ts';

export interface StorefrontDeps {
  db: Executor;
  /** The driver of the same database, for the statements that are worth preparing. */
  sql: Sql;
  logger: Logger;
  /** Sees every request first. */
  accessLog?: RequestHandler | undefined;
  /** How long `GET /health` waits for the database, in milliseconds. */
  healthTimeoutMs?: number;
}

/**
 * A small shop, standing for the application under test: anyone looks around, users log in with a password, get a
 * session cookie, fill a cart and order. It knows nothing of load tests. It limits no rates and writes a line for
 * each request only where asked to, so that what is measured is the shop.
 */
export function createStorefrontApp(deps: StorefrontDeps): Express {
  const { db, sql, logger, accessLog, healthTimeoutMs = 2000 } = deps;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag'); // nothing here is worth a digest of every answer
  if (accessLog !== undefined) app.use(accessLog);
  app.use(productRoutes({ sql }), cartRoutes({ db, sql }), orderRoutes({ db, sql }));
  app.use(loginRoutes({ db }), logoutRoutes({ db }), meRoutes({ sql }));
  app.use(healthRoutes({ db, timeoutMs: healthTimeoutMs }));
  app.use(performanceRoutes({ db }), catalogueRoutes());
  app.use(notFound);
  app.use(answerErrors(logger));
  return app;
}
