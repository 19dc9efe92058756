import { messageOf } from '../../../shared/kernel/errors.ts';
import type { Service } from '../../../shared/kernel/lifecycle.ts';
import { sleep } from '../../../shared/kernel/time.ts';
import type { Executor } from '../../../shared/platform/db.ts';
import type { Logger } from '../../../shared/platform/log.ts';
import { deleteExpiredSessions } from './store.ts';

export interface SessionPruner extends Service {
  start(): void;
  /** One round; gives the number of sessions deleted. */
  runOnce(): Promise<number>;
}

/**
 * Deletes expired sessions now and then. They open nothing either way: this only keeps the table small,
 * so a round that fails is logged and the next one makes up for it.
 */
export function createSessionPruner({
  db,
  logger,
  intervalMs = 10 * 60_000,
}: {
  db: Executor;
  logger: Logger;
  intervalMs?: number;
}): SessionPruner {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  async function runOnce(): Promise<number> {
    const deleted = await deleteExpiredSessions(db);
    if (deleted > 0) logger.info({ deleted }, 'expired sessions deleted');
    return deleted;
  }

  async function runUntilStopped(): Promise<void> {
    while (!stopping.signal.aborted) {
      await runOnce().catch((error: unknown) => logger.warn({ reason: messageOf(error) }, 'pruning failed'));
      await sleep(intervalMs, stopping.signal).catch(() => {});
    }
  }

  return {
    name: 'session pruner',
    runOnce,
    start() {
      running ??= runUntilStopped();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
