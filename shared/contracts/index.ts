import { bulkLogin, bulkLoginLane } from './account-sessions.ts';
import { bulkUsersCleanup, bulkUsersRetention } from './bulk-cleanup.ts';
import { bulkUsersChunk, bulkUsersCreate, bulkUsersHash } from './bulk-users.ts';
import { datasetsChunk, datasetsDelete, datasetsGenerate } from './datasets.ts';
import { notificationsPage, notificationsRun, notificationsTick } from './deadline-notifications.ts';
import { loadTestRun } from './load-tests.ts';
import { snapshotsCreate, snapshotsRestore } from './snapshots.ts';
import { userSyncLane, userSyncRun, userSyncTick } from './user-sync.ts';

/** Every queue of Muster. Workers must have a processor for each; Bull Board, metrics and the CLI iterate it. */
export const contracts = {
  'bulk-users.create': bulkUsersCreate,
  'bulk-users.chunk': bulkUsersChunk,
  'bulk-users.hash': bulkUsersHash,
  'bulk-users.cleanup': bulkUsersCleanup,
  'bulk-users.retention': bulkUsersRetention,
  'users.bulk-login': bulkLogin,
  'users.bulk-login-lane': bulkLoginLane,
  'load-tests.run': loadTestRun,
  'datasets.generate': datasetsGenerate,
  'datasets.chunk': datasetsChunk,
  'datasets.delete': datasetsDelete,
  'snapshots.create': snapshotsCreate,
  'snapshots.restore': snapshotsRestore,
  'deadline-notifications.run': notificationsRun,
  'deadline-notifications.page': notificationsPage,
  'deadline-notifications.tick': notificationsTick,
  'user-sync.run': userSyncRun,
  'user-sync.lane': userSyncLane,
  'user-sync.tick': userSyncTick,
} as const;

export type Contracts = typeof contracts;

/** The jobs among them: what `jobs.kind` can be. */
export const jobContracts = {
  'bulk-users.create': bulkUsersCreate,
  'bulk-users.cleanup': bulkUsersCleanup,
  'users.bulk-login': bulkLogin,
  'load-tests.run': loadTestRun,
  'datasets.generate': datasetsGenerate,
  'datasets.delete': datasetsDelete,
  'snapshots.create': snapshotsCreate,
  'snapshots.restore': snapshotsRestore,
  'deadline-notifications.run': notificationsRun,
  'user-sync.run': userSyncRun,
} as const;
export type JobKind = keyof typeof jobContracts;

export const isJobKind = (kind: string): kind is JobKind => Object.hasOwn(jobContracts, kind);
