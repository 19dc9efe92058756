import type { Contracts } from '../../shared/contracts/index.ts';
import type { Implementation } from '../../shared/platform/queue/consumer.ts';
import type { PayloadOf, ResultOf } from '../../shared/platform/queue/contract.ts';
import { runBulkLogin } from './features/account-sessions/bulk-login.ts';
import type { AccountSessionsDeps } from './features/account-sessions/deps.ts';
import { runLoginLane } from './features/account-sessions/lane.ts';
import { createChunk } from './features/bulk-users/chunk.ts';
import { cleanUpUsers } from './features/bulk-users/cleanup.ts';
import { createBatch } from './features/bulk-users/create.ts';
import type { BulkUsersDeps } from './features/bulk-users/deps.ts';
import { hashPart } from './features/bulk-users/hash-part.ts';
import { enforceRetention } from './features/bulk-users/retention.ts';
import { generateChunk } from './features/datasets/chunk.ts';
import { deleteDataset } from './features/datasets/delete.ts';
import type { DatasetsDeps } from './features/datasets/deps.ts';
import { generateDataset } from './features/datasets/generate.ts';
import type { NotificationDeps } from './features/deadline-notifications/deps.ts';
import { notificationsPageProcessor } from './features/deadline-notifications/page.ts';
import { notificationsRunProcessor } from './features/deadline-notifications/run.ts';
import { notificationsTickProcessor } from './features/deadline-notifications/tick.ts';
import { runLoadTest } from './features/load-tests/conductor/run.ts';
import type { LoadTestsDeps } from './features/load-tests/deps.ts';
import { createSnapshotJob } from './features/snapshots/create.ts';
import type { SnapshotsDeps } from './features/snapshots/deps.ts';
import { restoreSnapshotJob } from './features/snapshots/restore.ts';
import type { UserSyncDeps } from './features/user-sync/deps.ts';
import { runSyncLane } from './features/user-sync/lane.ts';
import { runUserSync } from './features/user-sync/run.ts';
import { userSyncTickProcessor } from './features/user-sync/tick.ts';

/** What the processors of all features need, made by `main.ts`. */
export type WorkerDeps = AccountSessionsDeps &
  BulkUsersDeps &
  DatasetsDeps &
  LoadTestsDeps &
  SnapshotsDeps &
  NotificationDeps &
  UserSyncDeps;

/** A processor for every contract: one that is missing, or made for another contract, does not compile. */
type Processors = {
  [Name in keyof Contracts]: Implementation<
    PayloadOf<Contracts[Name]>,
    ResultOf<Contracts[Name]>,
    WorkerDeps
  >;
};

const processors: Processors = {
  'bulk-users.create': createBatch,
  'bulk-users.chunk': createChunk,
  'bulk-users.hash': hashPart,
  'bulk-users.cleanup': cleanUpUsers,
  'bulk-users.retention': enforceRetention,
  'users.bulk-login': runBulkLogin,
  'users.bulk-login-lane': runLoginLane,
  'load-tests.run': runLoadTest,
  'datasets.generate': generateDataset,
  'datasets.chunk': generateChunk,
  'datasets.delete': deleteDataset,
  'snapshots.create': createSnapshotJob,
  'snapshots.restore': restoreSnapshotJob,
  'deadline-notifications.run': notificationsRunProcessor,
  'deadline-notifications.page': notificationsPageProcessor,
  'deadline-notifications.tick': notificationsTickProcessor,
  'user-sync.run': runUserSync,
  'user-sync.lane': runSyncLane,
  'user-sync.tick': userSyncTickProcessor,
};

/** Calls `start` with each processor. What a processor's payload is, only its own contract and handler know. */
export const mapProcessors = <T>(
  start: (processor: Implementation<unknown, unknown, WorkerDeps>) => T,
): T[] =>
  Object.values(processors).map(processor =>
    start(processor as Implementation<unknown, unknown, WorkerDeps>),
  );
