import type { Lifecycle } from '../../shared/kernel/lifecycle.ts';
import { type Config, required } from '../../shared/platform/config.ts';
import { openDatabase } from '../../shared/platform/db.ts';
import { serveHttp } from '../../shared/platform/http-server.ts';
import type { Logger } from '../../shared/platform/log.ts';
import { runService } from '../../shared/platform/run-service.ts';
import { createStorefrontApp } from './app.ts';
import { seedProductionUsers } from './seed.ts';
import { createSessionPruner } from './sessions/pruner.ts';

/** The storefront process: a pool, a pruner, a server. */
async function start(config: Config, logger: Logger, lifecycle: Lifecycle): Promise<void> {
  const url = required(config, 'APP_DATABASE_URL');
  const { db } = lifecycle.add(openDatabase(url, { name: 'storefront', maxConnections: 20 }));
  // Users with a password that everyone knows belong on a developer's machine only.
  if (config.NODE_ENV === 'development') await seedProductionUsers(db);
  lifecycle.add(createSessionPruner({ db, logger })).start();
  const server = await serveHttp(createStorefrontApp({ db, logger }), {
    name: 'storefront',
    host: config.HOST,
    port: config.STOREFRONT_PORT,
    drainMs: config.SHUTDOWN_TIMEOUT_MS,
  });
  lifecycle.add(server);
  logger.info({ url: server.url }, 'listening');
}

await runService('storefront', start);
