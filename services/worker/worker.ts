import { hostname } from 'node:os';
import { isJobKind } from '../../shared/contracts/index.ts';
import { parseAllowlist } from '../../shared/kernel/allowlist.ts';
import { newId } from '../../shared/kernel/ids.ts';
import { createLifecycle } from '../../shared/kernel/lifecycle.ts';
import type { BundleStore } from '../../shared/platform/bundles.ts';
import type { Vault } from '../../shared/platform/crypto.ts';
import type { Logger } from '../../shared/platform/log.ts';
import { hashesAtOnce } from '../../shared/platform/passwords/hash-all.ts';
import type { Database } from '../../shared/platform/postgres/db.ts';
import type { CancelSource } from '../../shared/platform/queue/cancellation.ts';
import type { QueueClient } from '../../shared/platform/queue/client.ts';
import { startConsumer } from '../../shared/platform/queue/consumer.ts';
import type { QueueBackend } from '../../shared/platform/queue/seam.ts';
import { createLoginClient } from '../../shared/platform/target/login-client.ts';
import { readVersion } from '../../shared/platform/version.ts';
import { storefrontUsers, type UserTable } from '../../shared/store/users/user-table.ts';
import { type Activity, createActivity } from './activity.ts';
import { jobCancelSource } from './cancel-source.ts';
import type { NotificationSettings } from './features/deadline-notifications/deps.ts';
import type { EngineLimits } from './features/load-tests/plan-of.ts';
import { startShardRunner } from './features/load-tests/shard/runner.ts';
import { startHeartbeat } from './heartbeat.ts';
import { isRetryable } from './outcome.ts';
import { mapProcessors, type WorkerDeps } from './processors.ts';
import { createReconciler, type Reconciler } from './reconciler.ts';

export interface WorkerOptions {
  database: Database;
  applicationDatabase: Database;
  /** The application's database for the role that may write to test users only. */
  testDataDatabase: Database;
  /** Where the application keeps its users; the storefront's table when absent. */
  users?: UserTable;
  /** Threads of libuv's pool (`UV_THREADPOOL_SIZE`). */
  poolThreads?: number;
  /** URLs of both databases, for the connections that copy users from one to the other. */
  applicationUrl: string;
  platformUrl: string;
  snapshots: BundleStore;
  backend: QueueBackend;
  queue: QueueClient;
  vault: Vault;
  notifications: NotificationSettings;
  logger: Logger;
  name?: string | undefined;
  /** How long running jobs may go on after the stop, before they are handed back. */
  drainMs: number;
  /** Shards of load tests that this worker runs at once. */
  loadSlots: number;
  loadLimits: EngineLimits;
  /** Where workers count what load tests send. */
  sendJournals: string;
  /** Which other Musters users are synced with: as `SYNC_PEER_ALLOWLIST`. */
  syncPeers: readonly string[];
  /** Where syncs put files for load testers. */
  exportsFolder: string;
  /** Where a scheduled sync logs accounts in, if it does. */
  storefrontUrl?: string | undefined;
  /** Locks and looks for stalled jobs; the consumer's defaults when absent. */
  lockDurationMs?: number;
  stalledIntervalMs?: number;
}

export interface Worker {
  readonly id: string;
  readonly name: string;
  readonly reconciler: Reconciler;
  activity(): object;
  stop(): Promise<void>;
}

/** The most connections to one target that the logins of this worker use together. */
const maxLoginConnections = 1000;

/** One worker: a consumer a queue, the reconciler, the heartbeat. Stops in the reverse order: first no new jobs. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { database, applicationDatabase, testDataDatabase, backend, queue, vault, notifications, logger } =
    options;
  const id = newId();
  const name = options.name ?? `${hostname()}-${process.pid}`;
  const lifecycle = createLifecycle();
  const activity = createActivity();
  const { loadSlots } = options;
  const identity = { id, name, host: hostname(), pid: process.pid, version: readVersion(), loadSlots };

  lifecycle.add(await startHeartbeat({ db: database.db, identity, activity: activity.current, logger }));
  const reconciler = lifecycle.add(createReconciler({ database, queue, logger }));
  reconciler.start();
  const cancelSource = jobCancelSource(database, logger);
  lifecycle.onStop('cancellations', cancelSource.stop);

  const { allowlist } = parseAllowlist(options.loadLimits.allowlist);
  const loginClient = createLoginClient({ allowlist, connections: maxLoginConnections });
  lifecycle.onStop('login client', loginClient.stop);
  const deps: WorkerDeps = {
    db: database.db,
    applicationDb: applicationDatabase.db,
    applicationDatabase,
    testDataDb: testDataDatabase.db,
    users: options.users ?? storefrontUsers,
    hashesAtOnce: hashesAtOnce(options.poolThreads ?? 4),
    notifications,
    applicationUrl: options.applicationUrl,
    platformUrl: options.platformUrl,
    snapshots: options.snapshots,
    queue,
    vault,
    loginClient,
    syncPeers: parseAllowlist(options.syncPeers).allowlist,
    sendJournals: options.sendJournals,
    exportsFolder: options.exportsFolder,
    storefrontUrl: options.storefrontUrl,
    logger,
    workerName: name,
  };
  const consumers = await startConsumers({ ...options, name, backend, deps, cancelSource, activity });
  lifecycle.onStop('consumers', async () => {
    await Promise.all(consumers.map(stop => stop()));
  });
  lifecycle.add(
    startShardRunner({
      db: database.db,
      workerId: id,
      worker: name,
      slots: loadSlots,
      limits: options.loadLimits,
      sendJournals: options.sendJournals,
      vault,
      loginClient,
      logger,
    }),
  );
  return { id, name, reconciler, activity: activity.current, stop: lifecycle.stop };
}

type StopConsumer = () => Promise<void>;

type StartConsumersOptions = Omit<WorkerOptions, 'name'> & {
  name: string;
  deps: WorkerDeps;
  cancelSource: CancelSource;
  activity: Activity;
};

function startConsumers({
  deps,
  activity,
  cancelSource,
  ...rest
}: StartConsumersOptions): Promise<StopConsumer[]> {
  const starting = mapProcessors(async ({ contract, create }) => {
    const consumer = await startConsumer({
      ...rest,
      ...(isJobKind(contract.name) ? { cancelSource } : {}), // tasks have no row that could be cancelled
      contract,
      handler: activity.counted(contract.name, contract.options.concurrency, create(deps)),
      isRetryable,
    });
    const deadlineMs = Math.min(rest.drainMs, contract.options.drainMs);
    return () => consumer.stop({ deadlineMs });
  });
  return Promise.all(starting);
}
