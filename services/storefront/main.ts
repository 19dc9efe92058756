import { AppError, messageOf } from '../../shared/kernel/errors.ts';
import { createLifecycle, type Lifecycle } from '../../shared/kernel/lifecycle.ts';
import { type Config, loadConfig, required } from '../../shared/platform/config.ts';
import { openDatabase } from '../../shared/platform/db.ts';
import { serveHttp } from '../../shared/platform/http-server.ts';
import { createLogger, type Logger } from '../../shared/platform/log.ts';
import { onParentLost } from '../../shared/platform/parent-guard.ts';
import { createStorefrontApp } from './app.ts';
import { seedProductionUsers } from './seed.ts';
import { createSessionPruner } from './sessions/pruner.ts';

/** The storefront process: a pool, a pruner, a server; all stopped on a signal, in reverse, with exit code 0. */
async function main(): Promise<void> {
  const config = loadConfig();
  const logger = createLogger('storefront', { level: config.LOG_LEVEL, dir: config.LOG_DIR });
  const lifecycle = createLifecycle();
  const started = start(config, logger, lifecycle);
  const stop = (reason: string) => {
    logger.info({ reason }, 'stopping');
    // A signal during the start waits for it, or what is started next would stay.
    const stopped = started.catch(() => {}).then(() => lifecycle.stop());
    stopped.catch(exitWith);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  onParentLost(() => stop('parent lost'));
  await started;
}

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

function exitWith(error: unknown): void {
  const hint = error instanceof AppError ? error.hint : undefined;
  createLogger('storefront', { level: 'fatal' }).fatal({ reason: messageOf(error), hint }, 'cannot run');
  process.exit(1);
}

await main().catch(exitWith);
