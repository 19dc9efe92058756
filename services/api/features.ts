import { parseAllowlist } from '../../shared/kernel/allowlist.ts';
import type { Lifecycle } from '../../shared/kernel/lifecycle.ts';
import { type Config, required, snapshotFolder, targetAllowlist } from '../../shared/platform/config.ts';
import { createVault } from '../../shared/platform/crypto.ts';
import { localBundles } from '../../shared/platform/local-bundles.ts';
import type { Logger } from '../../shared/platform/log.ts';
import { createLinkSigner, vapidKeysOf } from '../../shared/platform/notification-keys.ts';
import { createHashPricing } from '../../shared/platform/passwords/hash-price.ts';
import { passwordHashers } from '../../shared/platform/passwords/password-formats.ts';
import type { Database } from '../../shared/platform/postgres/db.ts';
import type { QueueClient } from '../../shared/platform/queue/client.ts';
import { releaseToCreations } from '../../shared/store/bulk-users/bulk-cleanup-batches.ts';
import { jobEventsChannel } from '../../shared/store/jobs/job-events.ts';
import { loadTestsChannel } from '../../shared/store/load-tests/load-events.ts';
import type { UserTable } from '../../shared/store/users/user-table.ts';
import { createChannelHub } from './channel-hub.ts';
import { accountSessionRoutes } from './features/account-sessions/routes.ts';
import { accountRoutes } from './features/accounts/routes.ts';
import { auditLogRoutes } from './features/audit-log/routes.ts';
import { bulkUserRoutes } from './features/bulk-users/routes.ts';
import { datasetRoutes } from './features/datasets/routes.ts';
import { assertRetriedAlone } from './features/deadline-notifications/one-run.ts';
import { notificationRoutes } from './features/deadline-notifications/routes.ts';
import { jobRoutes } from './features/jobs/routes.ts';
import { loadTestRoutes } from './features/load-tests/routes.ts';
import { mailCatcherRoutes } from './features/mail-catcher/routes.ts';
import { settingRoutes } from './features/settings/routes.ts';
import { snapshotRoutes } from './features/snapshots/routes.ts';
import { userExportRoutes } from './features/user-export/routes.ts';
import { assertMayRetrySync } from './features/user-sync/role.ts';
import { userSyncRoutes } from './features/user-sync/routes.ts';
import { workerRoutes } from './features/workers/routes.ts';
import type { Route } from './route.ts';

export interface FeatureDeps {
  database: Database;
  applicationDatabase: Database;
  /** Where the application keeps its users. */
  users: UserTable;
  queue: QueueClient;
  config: Config;
  logger: Logger;
}

/**
 * Every feature of the API: a new one adds its line here. What it keeps running joins the lifecycle.
 */
export function createFeatureRoutes(deps: FeatureDeps, lifecycle: Lifecycle): Route[] {
  const { database, applicationDatabase, users, queue, config, logger } = deps;
  const encryptionKey = required(config, 'MUSTER_ENCRYPTION_KEY');
  const vault = createVault(encryptionKey);
  const ceilings = { maxBulkUsers: config.MAX_BULK_USERS };
  const { MAIL_CATCHER_URL: catcherUrl } = config;
  const targets = {
    allowlist: parseAllowlist(targetAllowlist(config)).allowlist,
    storefrontUrl: config.STOREFRONT_URL,
  };
  const loadTestHub = lifecycle.add(createChannelHub(database, loadTestsChannel, logger));
  const jobHub = lifecycle.add(createChannelHub(database, jobEventsChannel, logger));
  return [
    ...jobRoutes({
      queue,
      hub: jobHub,
      retryGuards: {
        'bulk-users.cleanup': ({ db }, { id }) => releaseToCreations(db, id),
        'deadline-notifications.run': assertRetriedAlone,
        'user-sync.run': assertMayRetrySync,
      },
    }),
    ...workerRoutes(),
    ...settingRoutes(ceilings),
    ...auditLogRoutes(),
    ...bulkUserRoutes({
      applicationDb: applicationDatabase.db,
      users,
      queue,
      vault,
      ceilings,
      priceOf: createHashPricing(passwordHashers[users.mapping.password_format].hash),
    }),
    ...accountRoutes({ vault }),
    ...userExportRoutes({ applicationDb: applicationDatabase.db, users, vault }),
    ...accountSessionRoutes({ queue, ...targets }),
    ...userSyncRoutes({
      applicationDb: applicationDatabase.db,
      users,
      queue,
      vault,
      peers: parseAllowlist(config.SYNC_PEER_ALLOWLIST).allowlist,
    }),
    ...loadTestRoutes({
      queue,
      hub: loadTestHub,
      ...targets,
      limits: {
        users: config.MAX_LOAD_USERS,
        ratePerSecond: config.MAX_LOAD_RATE,
        durationSeconds: config.MAX_LOAD_DURATION_MINUTES * 60,
      },
    }),
    ...datasetRoutes({ applicationDb: applicationDatabase.db, queue }),
    ...snapshotRoutes({
      queue,
      snapshots: localBundles(snapshotFolder(config)),
      applicationUrl: required(config, 'APP_DATABASE_URL'),
    }),
    ...notificationRoutes({
      applicationDb: applicationDatabase.db,
      queue,
      signer: createLinkSigner(encryptionKey, 'unsubscribe'),
      pushKey: vapidKeysOf(config, encryptionKey).publicKey,
      hasEmail: config.SMTP_URL !== undefined,
      timeZone: config.NOTIFICATION_TIME_ZONE,
      officeConcurrency: config.NOTIFICATION_OFFICE_CONCURRENCY,
      messageConcurrency: config.NOTIFICATION_MESSAGE_CONCURRENCY,
    }),
    ...(catcherUrl === undefined || config.NODE_ENV === 'production' ? [] : mailCatcherRoutes(catcherUrl)),
  ];
}
