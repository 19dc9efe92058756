import type { Lifecycle } from '../../shared/kernel/lifecycle.ts';
import type { Config } from '../../shared/platform/config.ts';
import type { Logger } from '../../shared/platform/log.ts';
import { runService } from '../../shared/platform/run-service.ts';
import { startApi } from './server.ts';

/** The api process: stores, features, a server. */
async function start(config: Config, logger: Logger, lifecycle: Lifecycle): Promise<void> {
  const { server, firstKey } = await startApi(config, logger, lifecycle);
  if (config.DISABLE_AUTH) logger.warn('authentication is off: everybody is an admin');
  // To the terminal and never to a log file: this is the only time that it is shown.
  if (firstKey !== undefined) process.stdout.write(`\nThe first admin API key: ${firstKey}\n\n`);
  logger.info({ url: server.url }, 'listening');
}

await runService('api', start);
