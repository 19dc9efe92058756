import { messageOf } from '../../shared/kernel/errors.ts';
import { loadConfig } from '../../shared/platform/config.ts';
import { startEmbeddedPostgres } from '../../shared/platform/embedded-postgres/embedded-postgres.ts';
import { createLogger } from '../../shared/platform/log.ts';
import { onParentLost } from '../../shared/platform/parent-guard.ts';
import { createDatabaseIfMissing } from '../../shared/platform/postgres/migrate.ts';
import { databaseNames, type KeeperMessage } from './postgres-messages.ts';

/**
 * The process that holds the embedded PostgreSQL. It is one of its own so that the server stops, and stops
 * cleanly, even when `npm start` is killed with -9. Arguments: the data folder and the port (0: any).
 */
const [dataDir = '', port = '0'] = process.argv.slice(2);
const log = createLogger('postgres', { level: loadConfig().LOG_LEVEL });
const tell = (message: KeeperMessage) => process.send?.(message);

try {
  const server = await startEmbeddedPostgres({
    dataDir,
    port: Number(port),
    onLog: line => log.debug(line),
    onCrash: () => {
      log.error('PostgreSQL ended by itself');
      process.exit(1); // the supervisor starts both again
    },
  });
  const stop = () => void server.stop().then(() => process.exit(0));
  process.once('SIGTERM', stop);
  onParentLost(stop);
  for (const name of Object.values(databaseNames))
    await createDatabaseIfMissing(server.url('postgres'), name);
  tell({
    ready: true,
    port: server.port,
    platformUrl: server.url(databaseNames.platform),
    applicationUrl: server.url(databaseNames.application),
  });
  log.info({ port: server.port }, 'PostgreSQL is up');
} catch (error) {
  const hint = error instanceof Error && 'hint' in error ? error.hint : undefined;
  tell({ ready: false, message: messageOf(error), hint: typeof hint === 'string' ? hint : undefined });
  log.fatal({ hint }, messageOf(error));
  process.exitCode = 1;
}
