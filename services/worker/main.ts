import { contracts } from '../../shared/contracts/index.ts';
import type { Lifecycle } from '../../shared/kernel/lifecycle.ts';
import {
  type Config,
  exportsFolder,
  required,
  sendJournalsFolder,
  snapshotFolder,
  targetAllowlist,
} from '../../shared/platform/config.ts';
import { createVault } from '../../shared/platform/crypto.ts';
import { localBundles } from '../../shared/platform/local-bundles.ts';
import type { Logger } from '../../shared/platform/log.ts';
import { openDatabase } from '../../shared/platform/postgres/db.ts';
import { assertServerVersion, oldestServers } from '../../shared/platform/postgres/server-version.ts';
import { openQueueBackend } from '../../shared/platform/queue/backend.ts';
import { createQueueClient } from '../../shared/platform/queue/client.ts';
import { runService } from '../../shared/platform/run-service.ts';
import { assertGuards } from '../../shared/store/guards/faults.ts';
import { assertEncryptionKey } from '../../shared/store/installation.ts';
import { loadUserTable } from '../../shared/store/users/load-user-table.ts';
import { assertUserTable } from '../../shared/store/users/user-table-check.ts';
import { notificationSettings } from './features/deadline-notifications/settings.ts';
import { startHealthServer } from './health-server.ts';
import { createSchedules } from './schedules.ts';
import { startWorker } from './worker.ts';

/** The part of the time for a stop that is kept for handing jobs back and closing connections. */
const closingMs = 5000;

async function start(config: Config, logger: Logger, lifecycle: Lifecycle): Promise<void> {
  const databaseUrl = required(config, 'DATABASE_URL');
  const name = 'muster worker';
  // A frozen worker's transactions end when its locks on jobs do: who takes those jobs over waits for neither.
  const pool = { name, maxConnections: 6, idleInTransactionMs: config.WORKER_LOCK_MS };
  const database = lifecycle.add(openDatabase(databaseUrl, pool));
  const vault = createVault(required(config, 'MUSTER_ENCRYPTION_KEY'));
  await assertServerVersion(database.db, oldestServers.own);
  await assertEncryptionKey(database.db, vault);
  const applicationUrl = required(config, 'APP_DATABASE_URL');
  const applicationDatabase = lifecycle.add(openDatabase(applicationUrl, pool));
  const { own, anotherApplication } = oldestServers;
  await assertServerVersion(
    applicationDatabase.db,
    config.USER_DIRECTORY === undefined ? own : anotherApplication,
  );
  const users = await loadUserTable(config.USER_DIRECTORY);
  await assertUserTable(applicationDatabase.db, users);
  const testDataDatabase = lifecycle.add(openDatabase(required(config, 'TEST_DATA_DATABASE_URL'), pool));
  await assertGuards(testDataDatabase.db, users.mapping);
  const backend = lifecycle.add(
    await openQueueBackend({
      redisUrl: config.REDIS_URL,
      databaseUrl,
      prefix: config.QUEUE_PREFIX,
      name,
      logger,
    }),
  );
  const queue = lifecycle.add(createQueueClient(backend, Object.values(contracts)));
  const schedules = lifecycle.add(createSchedules({ queue, config, logger }));
  await schedules.runOnce();
  schedules.start();
  const worker = await startWorker({
    database,
    applicationDatabase,
    testDataDatabase,
    users,
    poolThreads: config.UV_THREADPOOL_SIZE,
    applicationUrl,
    platformUrl: databaseUrl,
    snapshots: localBundles(snapshotFolder(config)),
    backend,
    queue,
    vault,
    notifications: notificationSettings(config),
    logger,
    name: config.WORKER_NAME,
    drainMs: Math.max(0, config.SHUTDOWN_TIMEOUT_MS - closingMs),
    loadSlots: config.LOAD_SLOTS,
    loadLimits: { allowlist: targetAllowlist(config), maxConnections: config.LOAD_MAX_CONNECTIONS },
    syncPeers: config.SYNC_PEER_ALLOWLIST,
    sendJournals: sendJournalsFolder(config),
    exportsFolder: exportsFolder(config),
    storefrontUrl: config.STOREFRONT_URL,
    lockDurationMs: config.WORKER_LOCK_MS,
    stalledIntervalMs: Math.round(config.WORKER_LOCK_MS / 3),
  });
  lifecycle.onStop('worker', worker.stop);
  if (config.WORKER_PORT !== undefined) {
    lifecycle.add(
      await startHealthServer(config.WORKER_PORT, () => ({ name: worker.name, queues: worker.activity() })),
    );
  }
  logger.info({ worker: worker.name, id: worker.id, queue: backend.kind }, 'working');
}

await runService('worker', start);
