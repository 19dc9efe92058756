import { userSyncRun, userSyncTick } from '../../../../shared/contracts/user-sync.ts';
import { idOf } from '../../../../shared/kernel/ids.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import { implement } from '../../../../shared/platform/queue/consumer.ts';
import { findJob, insertJob } from '../../../../shared/store/jobs/jobs.ts';
import { readSettings } from '../../../../shared/store/settings.ts';
import {
  findOpenSync,
  insertSyncRun,
  lastScheduledAt,
} from '../../../../shared/store/user-sync/sync-runs.ts';
import type { UserSyncDeps } from './deps.ts';

/**
 * A minute has passed: submits a push to the built-in pool when the settings want one and the last scheduled one is long
 * enough ago. A moment gives one sync, however often its tick is delivered: the run's id is made of it. While another
 * sync of the pool is on it gives none.
 */
export const userSyncTickProcessor = implement(userSyncTick, (deps: UserSyncDeps) => async ({ jobId }) => {
  const at = new Date(Number(/(\d+)$/.exec(jobId)?.[1] ?? Date.now())); // the queue ends the ids with the moment
  const submitted = await submitScheduledSync(deps.db, idOf(at.getTime(), jobId), at);
  if (submitted !== undefined) await deps.queue.enqueue(userSyncRun, { job_id: submitted });
  return { job_id: submitted ?? null };
});

/** @returns the job's id; undefined when no sync is due */
export async function submitScheduledSync(db: Executor, id: string, at: Date): Promise<string | undefined> {
  const settings = await readSettings(db);
  if (!settings.sync_enabled || !settings.accepting_jobs) return undefined;
  return db.transaction(async tx => {
    const other = await findOpenSync(tx, 'load_tester');
    if ((await findJob(tx, id)) !== undefined) return id;
    const last = await lastScheduledAt(tx);
    const isDue =
      last === undefined || at.getTime() - last.getTime() >= settings.sync_interval_minutes * 60_000 - 30_000;
    if (other !== undefined || !isDue) return undefined;
    await insertJob(tx, {
      id,
      kind: userSyncRun.name,
      payload: { sync_run_id: id },
      requestedBy: 'schedule',
    });
    await insertSyncRun(tx, {
      id,
      jobId: id,
      target: { type: 'load_tester' },
      targetKey: 'load_tester',
      direction: 'push',
      filter: { test_users_only: true },
      conflictPolicy: settings.sync_conflict_policy,
      full: false,
      dryRun: false,
      confirm: false,
      withCredentials: true,
      trigger: 'schedule',
    });
    return id;
  });
}
