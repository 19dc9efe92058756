import type { Lifecycle } from '../../shared/kernel/lifecycle.ts';
import { secondsSince } from '../../shared/kernel/time.ts';
import { type Config, required } from '../../shared/platform/config.ts';
import { serveHttp } from '../../shared/platform/http-server.ts';
import type { Logger } from '../../shared/platform/log.ts';
import { type Db, openDatabase } from '../../shared/platform/postgres/db.ts';
import { assertStorefrontDatabase } from '../../shared/platform/postgres/own-database.ts';
import { assertServerVersion, oldestServers } from '../../shared/platform/postgres/server-version.ts';
import { runService } from '../../shared/platform/run-service.ts';
import { openAccessLog } from './access-log.ts';
import { createStorefrontApp } from './app.ts';
import { storefrontTables } from './seed/own-tables.ts';
import { seedShop } from './seed/shop.ts';
import { seedProductionUsers } from './seed/users.ts';
import { createSessionPruner } from './sessions/pruner.ts';

/** The storefront process: a pool, a seed, a pruner, a server. */
async function start(config: Config, logger: Logger, lifecycle: Lifecycle): Promise<void> {
  const url = required(config, 'APP_DATABASE_URL');
  const { db, sql } = lifecycle.add(
    openDatabase(url, { name: 'storefront', maxConnections: config.STOREFRONT_CONNECTIONS }),
  );
  await assertServerVersion(db, oldestServers.own);
  await assertStorefrontDatabase(db, storefrontTables);
  await seed(config, db, logger);
  const accessLog =
    config.ACCESS_LOG === undefined
      ? undefined
      : lifecycle.add(await openAccessLog(config.ACCESS_LOG, logger));
  lifecycle.add(createSessionPruner({ db, logger })).start();
  const app = createStorefrontApp({ db, sql, logger, accessLog: accessLog?.middleware });
  const server = await serveHttp(app, {
    name: 'storefront',
    host: config.HOST,
    port: config.STOREFRONT_PORT,
    drainMs: config.SHUTDOWN_TIMEOUT_MS,
  });
  lifecycle.add(server);
  logger.info({ url: server.url }, 'listening');
}

async function seed({ NODE_ENV, SEED_SHOP }: Config, db: Db, logger: Logger): Promise<void> {
  const isDevelopment = NODE_ENV === 'development';
  // Users with a password that everyone knows belong on a developer's machine only.
  if (isDevelopment) await seedProductionUsers(db);
  if (!(SEED_SHOP ?? isDevelopment)) return;
  const startedAt = performance.now();
  if (await seedShop(db)) logger.info({ seconds: secondsSince(startedAt) }, 'shop filled');
}

await runService('storefront', start);
