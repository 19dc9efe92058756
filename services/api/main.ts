import { AppError, messageOf } from '../../shared/kernel/errors.ts';
import { createLifecycle, type Lifecycle } from '../../shared/kernel/lifecycle.ts';
import { type Config, loadConfig } from '../../shared/platform/config.ts';
import { createLogger, type Logger } from '../../shared/platform/log.ts';
import { onParentLost } from '../../shared/platform/parent-guard.ts';
import { startApi } from './server.ts';

/** The api process: stores, features, a server; all stopped on a signal, in reverse, with exit code 0. */
async function main(): Promise<void> {
  const config = loadConfig();
  const logger = createLogger('api', { level: config.LOG_LEVEL, dir: config.LOG_DIR });
  const lifecycle = createLifecycle();
  const started = start(config, logger, lifecycle);
  const stop = (reason: string) => {
    logger.info({ reason }, 'stopping');
    // A signal during the start waits for it, or what is started next would stay.
    const stopped = started.catch(() => {}).then(() => lifecycle.stop());
    stopped.then(() => process.exit(0)).catch(exitWith);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  onParentLost(() => stop('parent lost'));
  await started;
}

async function start(config: Config, logger: Logger, lifecycle: Lifecycle): Promise<void> {
  const { server, firstKey } = await startApi(config, logger, lifecycle);
  if (config.DISABLE_AUTH) logger.warn('authentication is off: everybody is an admin');
  // To the terminal and never to a log file: this is the only time that it is shown.
  if (firstKey !== undefined) process.stdout.write(`\nThe first admin API key: ${firstKey}\n\n`);
  logger.info({ url: server.url }, 'listening');
}

function exitWith(error: unknown): void {
  const hint = error instanceof AppError ? error.hint : undefined;
  createLogger('api', { level: 'fatal' }).fatal({ reason: messageOf(error), hint }, 'cannot run');
  process.exit(1);
}

await main().catch(exitWith);
