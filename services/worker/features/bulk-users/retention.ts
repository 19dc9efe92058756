import { bulkUsersCleanup, bulkUsersRetention } from '../../../../shared/contracts/bulk-cleanup.ts';
import { idOf } from '../../../../shared/kernel/ids.ts';
import type { Config } from '../../../../shared/platform/config.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import { implement } from '../../../../shared/platform/queue/consumer.ts';
import { listCleanupCandidates } from '../../../../shared/store/bulk-users/cleanup-candidates.ts';
import { acceptsWork } from '../../../../shared/store/jobs/admission.ts';
import { findJob, insertJob } from '../../../../shared/store/jobs/jobs.ts';
import { readSettings } from '../../../../shared/store/settings.ts';
import type { BulkUsersDeps } from './deps.ts';

const scheduleId = 'bulk-users-retention';
/** At night, and not on the hour, when everybody else comes. */
const everyNight = '17 3 * * *';
const dayMs = 86_400_000;

/** The settings are looked at when the moment comes: a change needs no restart. */
export const applyRetentionSchedule = (queue: QueueClient, config: Config): Promise<void> =>
  queue.schedule(
    bulkUsersRetention,
    {},
    { id: scheduleId, pattern: everyNight, timeZone: config.NOTIFICATION_TIME_ZONE },
  );

/**
 * Submits a cleanup of the batches past retention, if the settings want one and there are any. A moment gives one job,
 * however often it is delivered: the job's id is made of it.
 */
export const enforceRetention = implement(bulkUsersRetention, (deps: BulkUsersDeps) => async ({ jobId }) => {
  const at = Number(/(\d{10,})$/.exec(jobId)?.[1] ?? Date.now());
  const id = idOf(at, jobId);
  const submitted = await deps.db.transaction(async tx => {
    if ((await findJob(tx, id)) !== undefined) return true;
    const { retention_enabled, retention_days } = await readSettings(tx);
    if (!retention_enabled || !(await acceptsWork(tx))) return false;
    const createdBefore = new Date(Date.now() - retention_days * dayMs);
    const databases = { db: tx, applicationDb: deps.applicationDb };
    if ((await listCleanupCandidates(databases, { createdBefore }, { limit: 1 })).length === 0) return false;
    const payload = bulkUsersCleanup.input.parse({ older_than_days: retention_days, dry_run: false });
    await insertJob(tx, { id, kind: bulkUsersCleanup.name, payload, requestedBy: 'retention' });
    return true;
  });
  if (!submitted) return { job_id: null };
  await deps.queue.enqueue(bulkUsersCleanup, { job_id: id });
  return { job_id: id };
});
