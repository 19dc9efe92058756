import type { Service } from '../../shared/kernel/lifecycle.ts';
import type { Logger } from '../../shared/platform/log.ts';
import type { Database } from '../../shared/platform/postgres/db.ts';

/**
 * Wakes the event streams of this process. One LISTEN serves them all; a notification carries the id of what changed
 * and nothing else, the events themselves are read from tables. Since a notification can be lost while the connection
 * is down, every stream is woken when it comes back, and each looks by itself now and then.
 */
export interface ChannelHub extends Service {
  /** Calls `wake` when something may have happened to the thing with this id, until the returned function is called. */
  subscribe(id: string, wake: () => void): () => void;
}

/** Listens on a channel of Postgres whose notifications are ids. */
export function createChannelHub({ sql }: Database, channel: string, logger: Logger): ChannelHub {
  const sleepers = new Map<string, Set<() => void>>();
  const wakeAll = () => {
    for (const wakes of sleepers.values()) for (const wake of wakes) wake();
  };
  const wakeThoseOf = (id: string) => {
    for (const wake of sleepers.get(id) ?? []) wake();
  };
  const listening = sql.listen(channel, wakeThoseOf, wakeAll);
  listening.catch((error: unknown) =>
    logger.warn({ err: error, channel }, 'cannot listen: event streams poll'),
  );

  return {
    name: `${channel} hub`,
    subscribe(id, wake) {
      const wakes = sleepers.get(id) ?? new Set();
      sleepers.set(id, wakes.add(wake));
      return () => {
        wakes.delete(wake);
        if (wakes.size === 0 && sleepers.get(id) === wakes) sleepers.delete(id);
      };
    },
    async stop() {
      wakeAll();
      await listening.then(subscription => subscription.unlisten()).catch(() => undefined);
    },
  };
}
