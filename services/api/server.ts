import { contracts } from '../../shared/contracts/index.ts';
import type { Lifecycle } from '../../shared/kernel/lifecycle.ts';
import { type Config, required } from '../../shared/platform/config.ts';
import { createVault, type Vault } from '../../shared/platform/crypto.ts';
import { type HttpServer, serveHttp } from '../../shared/platform/http-server.ts';
import type { Logger } from '../../shared/platform/log.ts';
import { type Db, openDatabase } from '../../shared/platform/postgres/db.ts';
import { assertServerVersion, oldestServers } from '../../shared/platform/postgres/server-version.ts';
import { openQueueBackend } from '../../shared/platform/queue/backend.ts';
import { createQueueClient } from '../../shared/platform/queue/client.ts';
import { readVersion } from '../../shared/platform/version.ts';
import { assertEncryptionKey } from '../../shared/store/installation.ts';
import { loadUserTable } from '../../shared/store/users/load-user-table.ts';
import { assertUserTable } from '../../shared/store/users/user-table-check.ts';
import { createApp } from './app.ts';
import { applyConfigFile } from './config-file/apply.ts';
import { readConfigFile } from './config-file/read.ts';
import { createAlertWatch } from './features/system/alerts.ts';
import { createResponseTimes } from './features/system/response-times.ts';
import { createFeatureRoutes } from './features.ts';
import { prepareFirstKey } from './first-key.ts';
import { createHousekeeping } from './housekeeping.ts';
import { unreadableProblem } from './unreadable.ts';

export interface RunningApi {
  readonly server: HttpServer;
  /** The admin key that this start made, to be shown once. */
  readonly firstKey: string | undefined;
}

/**
 * Opens the stores, then listens. What it starts joins `lifecycle`, whose stop refuses new requests, ends event
 * streams, lets requests under way finish and closes the stores, in this order.
 */
export async function startApi(config: Config, logger: Logger, lifecycle: Lifecycle): Promise<RunningApi> {
  const stores = await openStores(config, logger, lifecycle);
  const vault = createVault(required(config, 'MUSTER_ENCRYPTION_KEY'));
  await assertEncryptionKey(stores.database.db, vault);
  const firstKey = await prepareFirstKey(stores.database.db, config);
  await takeConfigFile(config, stores.database.db, vault, logger);
  const { database, applicationDatabase } = stores;
  lifecycle
    .add(createHousekeeping({ db: database.db, applicationDb: applicationDatabase.db, logger }))
    .start();
  const stopping = new AbortController();
  const routes = createFeatureRoutes({ ...stores, config, logger }, lifecycle);
  const version = readVersion();
  const observed = { ...watch(config, stores.database.db, logger, lifecycle), stopping: stopping.signal };
  const app = createApp({ ...stores, ...observed, config, logger, version, routes });
  const server = await serveHttp(app, {
    name: 'api',
    host: config.HOST,
    port: config.PORT,
    drainMs: config.SHUTDOWN_TIMEOUT_MS,
    unreadable: unreadableProblem(logger),
  });
  lifecycle.add({
    name: 'api server',
    async stop() {
      const stopped = server.stop();
      stopping.abort();
      await stopped;
    },
  });
  return { server, firstKey };
}

/** Watches what has a threshold in the settings. */
function watch({ DATA_DIR: dataDir }: Config, db: Db, logger: Logger, lifecycle: Lifecycle) {
  const responseTimes = createResponseTimes();
  const alerts = lifecycle.add(createAlertWatch({ db, logger, responseTimes, dataDir }));
  alerts.start();
  return { responseTimes, alerts };
}

async function takeConfigFile(config: Config, db: Db, vault: Vault, logger: Logger): Promise<void> {
  const { MUSTER_CONFIG: path } = config;
  if (path === undefined) return;
  const file = await readConfigFile(path, { maxBulkUsers: config.MAX_BULK_USERS });
  const encryptionKey = required(config, 'MUSTER_ENCRYPTION_KEY');
  await applyConfigFile({ db, vault, encryptionKey, logger }, file);
}

async function openStores(config: Config, logger: Logger, lifecycle: Lifecycle) {
  const databaseUrl = required(config, 'DATABASE_URL');
  const database = lifecycle.add(openDatabase(databaseUrl, { name: 'api', maxConnections: 20 }));
  await assertServerVersion(database.db, oldestServers.own);
  const applicationUrl = required(config, 'APP_DATABASE_URL');
  const applicationDatabase = lifecycle.add(openDatabase(applicationUrl, { name: 'api' }));
  const backend = lifecycle.add(
    await openQueueBackend({
      redisUrl: config.REDIS_URL,
      databaseUrl,
      prefix: config.QUEUE_PREFIX,
      name: 'api',
      logger,
    }),
  );
  const queue = lifecycle.add(createQueueClient(backend, Object.values(contracts)));
  const users = await loadUserTable(config.USER_DIRECTORY);
  if (config.USER_DIRECTORY !== undefined) {
    await assertServerVersion(applicationDatabase.db, oldestServers.anotherApplication);
    await assertUserTable(applicationDatabase.db, users);
  }
  return { database, applicationDatabase, users, queue };
}
