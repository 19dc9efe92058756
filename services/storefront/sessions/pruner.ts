import { messageOf } from '../../../shared/kernel/errors.ts';
import { createLoop, type Loop } from '../../../shared/kernel/loop.ts';
import type { Logger } from '../../../shared/platform/log.ts';
import type { Executor } from '../../../shared/platform/postgres/db.ts';
import { deleteExpiredSessions } from './store.ts';

/**
 * Deletes expired sessions now and then. They open nothing either way: this only keeps the table small,
 * so a round that fails is logged and the next one makes up for it. A round gives the number of sessions deleted.
 */
export function createSessionPruner({
  db,
  logger,
  intervalMs = 10 * 60_000,
}: {
  db: Executor;
  logger: Logger;
  intervalMs?: number;
}): Loop<number> {
  return createLoop({
    name: 'session pruner',
    intervalMs,
    async runOnce() {
      const deleted = await deleteExpiredSessions(db);
      if (deleted > 0) logger.info({ deleted }, 'expired sessions deleted');
      return deleted;
    },
    onError: error => logger.warn({ reason: messageOf(error) }, 'pruning failed'),
  });
}
