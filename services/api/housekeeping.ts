import { messageOf } from '../../shared/kernel/errors.ts';
import { createLoop, type Loop } from '../../shared/kernel/loop.ts';
import type { Db } from '../../shared/platform/db.ts';
import type { Logger } from '../../shared/platform/log.ts';
import { dropTombstones } from '../../shared/store/accounts.ts';
import { pruneIdempotencyKeys } from '../../shared/store/idempotency.ts';
import { pruneRateLimits } from '../../shared/store/rate-limits.ts';
import { readSettings } from '../../shared/store/settings.ts';
import { pruneSessions } from '../../shared/store/web-sessions.ts';

const intervalMs = 10 * 60 * 1000;

/**
 * Deletes what the API kept for a while: answers, sessions, rate counters, tombstones of accounts. Nothing depends on when it runs, since
 * expired rows count for nothing, and several api processes may run it at once.
 */
export const createHousekeeping = ({ db, logger }: { db: Db; logger: Logger }): Loop<void> =>
  createLoop({
    name: 'housekeeping',
    intervalMs,
    async runOnce() {
      await pruneIdempotencyKeys(db);
      await pruneSessions(db);
      await pruneRateLimits(db);
      await dropTombstones(db, (await readSettings(db)).sync_tombstone_days);
    },
    onError: error => logger.warn({ reason: messageOf(error) }, 'housekeeping waits for its next turn'),
  });
