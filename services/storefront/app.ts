import express, { type Express } from 'express';
import { pinoHttp } from 'pino-http';
import type { Executor } from '../../shared/platform/db.ts';
import type { Logger } from '../../shared/platform/log.ts';
import { answerErrors, notFound } from './errors.ts';
import { healthRoutes } from './health.ts';
import { loginRoutes } from './sessions/login.ts';
import { logoutRoutes } from './sessions/logout.ts';
import { meRoutes } from './sessions/me.ts';

export interface StorefrontDeps {
  db: Executor;
  logger: Logger;
  /** How long `GET /health` waits for the database, in milliseconds. */
  healthTimeoutMs?: number;
}

/**
 * A small shop, standing for the application under test: users log in with a password and get a session
 * cookie. It knows nothing of load tests, and limits no rates, so that what is measured is the shop.
 */
export function createStorefrontApp({ db, logger, healthTimeoutMs = 2000 }: StorefrontDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag'); // nothing here is worth a digest of every answer
  app.use(accessLog(logger));
  app.use(healthRoutes({ db, timeoutMs: healthTimeoutMs }));
  app.use(loginRoutes({ db }), logoutRoutes({ db }), meRoutes({ db }));
  app.use(notFound);
  app.use(answerErrors(logger));
  return app;
}

/** One line a request, with no headers: they carry cookies. Failures are logged where they are answered. */
const accessLog = (logger: Logger) =>
  pinoHttp({
    logger,
    serializers: {
      req: ({ id, method, url }) => ({ id, method, url }),
      res: ({ statusCode }) => ({ statusCode }),
      err: () => undefined,
    },
  });
