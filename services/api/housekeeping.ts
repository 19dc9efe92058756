import { messageOf } from '../../shared/kernel/errors.ts';
import { createLoop, type Loop } from '../../shared/kernel/loop.ts';
import type { Logger } from '../../shared/platform/log.ts';
import type { Db } from '../../shared/platform/postgres/db.ts';
import { pruneDeeds } from '../../shared/store/access/audit-log.ts';
import { pruneIdempotencyKeys } from '../../shared/store/access/idempotency.ts';
import { pruneRateLimits } from '../../shared/store/access/rate-limits.ts';
import { pruneSessions } from '../../shared/store/access/web-sessions.ts';
import { dropTombstones } from '../../shared/store/accounts/accounts.ts';
import { pruneNotifications } from '../../shared/store/deadline-notifications/notification-retention.ts';
import { pruneJobs } from '../../shared/store/jobs/job-retention.ts';
import { readSettings } from '../../shared/store/settings.ts';

interface HousekeepingDeps {
  db: Db;
  applicationDb: Db;
  logger: Logger;
}

const intervalMs = 10 * 60 * 1000;

/**
 * Deletes what was kept for a while: answers, sessions, rate counters, tombstones of accounts, deliveries of notifications,
 * jobs and load tests, lines of the audit log.
 * Nothing depends on when it runs, since expired rows count for nothing, and several api processes may run it at once.
 */
export const createHousekeeping = ({ db, applicationDb, logger }: HousekeepingDeps): Loop<void> =>
  createLoop({
    name: 'housekeeping',
    intervalMs,
    async runOnce() {
      await pruneIdempotencyKeys(db);
      await pruneSessions(db);
      await pruneRateLimits(db);
      const { sync_tombstone_days, job_retention_days, audit_retention_days } = await readSettings(db);
      await dropTombstones(db, sync_tombstone_days);
      await pruneNotifications(applicationDb);
      await pruneJobs(db, job_retention_days);
      await pruneDeeds(db, audit_retention_days);
    },
    onError: error => logger.warn({ reason: messageOf(error) }, 'housekeeping waits for its next turn'),
  });
