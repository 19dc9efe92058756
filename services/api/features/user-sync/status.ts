import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import {
  type DigestTable,
  poolTable,
  readBuckets,
  type Scope,
} from '../../../../shared/store/accounts/account-digests.ts';
import { differingBuckets, summarize } from '../../../../shared/store/accounts/bucket-comparison.ts';
import { readSettings } from '../../../../shared/store/settings.ts';
import { lastScheduledAt, listSyncRuns } from '../../../../shared/store/user-sync/sync-runs.ts';
import { presentSyncRun } from './present.ts';

export interface BothSides {
  /** Muster's own database, with the pool. */
  db: Executor;
  applicationDb: Executor;
  applicationTable: DigestTable;
}

/** How the application and the built-in pool stand to each other, as they are now. */
export async function readSyncStatus({ db, applicationDb, applicationTable }: BothSides, scope: Scope) {
  const [ours, theirs] = await Promise.all([
    readBuckets(applicationDb, applicationTable, scope),
    readBuckets(db, poolTable, scope),
  ]);
  const differing = differingBuckets(ours, theirs).length;
  const [application, pool] = [summarize(ours), summarize(theirs)];
  const [last] = await listSyncRuns(db, { limit: 1, targetKey: 'load_tester' });
  return {
    in_sync: differing === 0,
    application: { total_users: application.users, digest: application.digest },
    load_tester: { total_users: pool.users, digest: pool.digest },
    differing_buckets: differing,
    last_run: last === undefined ? null : presentSyncRun(last),
    next_run: await nextRun(db),
  };
}

/** The schedule looks every minute whether a sync is due. */
async function nextRun(db: Executor): Promise<string | null> {
  const { sync_enabled, sync_interval_minutes } = await readSettings(db);
  if (!sync_enabled) return null;
  const nextMinute = Math.ceil(Date.now() / 60_000) * 60_000;
  const last = await lastScheduledAt(db);
  const due = last === undefined ? 0 : last.getTime() + sync_interval_minutes * 60_000;
  return new Date(Math.max(nextMinute, Math.round(due / 60_000) * 60_000)).toISOString();
}
