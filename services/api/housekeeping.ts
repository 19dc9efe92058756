import { messageOf } from '../../shared/kernel/errors.ts';
import { createLoop, type Loop } from '../../shared/kernel/loop.ts';
import type { Db } from '../../shared/platform/db.ts';
import type { Logger } from '../../shared/platform/log.ts';
import { pruneIdempotencyKeys } from '../../shared/store/idempotency.ts';
import { pruneNotifications } from '../../shared/store/notification-retention.ts';
import { pruneRateLimits } from '../../shared/store/rate-limits.ts';
import { pruneSessions } from '../../shared/store/web-sessions.ts';

interface HousekeepingDeps {
  db: Db;
  applicationDb: Db;
  logger: Logger;
}

const intervalMs = 10 * 60 * 1000;

/**
 * Deletes what was kept for a while: answers, sessions, rate counters, deliveries of notifications. Nothing depends on when it runs, since
 * expired rows count for nothing, and several api processes may run it at once.
 */
export const createHousekeeping = ({ db, applicationDb, logger }: HousekeepingDeps): Loop<void> =>
  createLoop({
    name: 'housekeeping',
    intervalMs,
    async runOnce() {
      await pruneIdempotencyKeys(db);
      await pruneSessions(db);
      await pruneRateLimits(db);
      await pruneNotifications(applicationDb);
    },
    onError: error => logger.warn({ reason: messageOf(error) }, 'housekeeping waits for its next turn'),
  });
