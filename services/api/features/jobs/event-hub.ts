import type { Database } from '../../../../shared/platform/db.ts';
import type { Logger } from '../../../../shared/platform/log.ts';
import { jobEventsChannel } from '../../../../shared/store/job-events.ts';

/**
 * Wakes the event streams of this process. One LISTEN connection serves them all; a notification carries the
 * job's id and nothing else, the events themselves are read from the table. Since a notification can be lost
 * while the connection is down, every stream is woken when it comes back, and each looks by itself now and then.
 */
export interface EventHub {
  /** Calls `wake` when something may have happened to the job, until the returned function is called. */
  subscribe(jobId: string, wake: () => void): () => void;
  stop(): Promise<void>;
}

export function createEventHub({ sql }: Database, logger: Logger): EventHub {
  const sleepers = new Map<string, Set<() => void>>();
  const wakeAll = () => {
    for (const wakes of sleepers.values()) for (const wake of wakes) wake();
  };
  const wakeJob = (jobId: string) => {
    for (const wake of sleepers.get(jobId) ?? []) wake();
  };
  const listening = sql.listen(jobEventsChannel, wakeJob, wakeAll);
  listening.catch((error: unknown) =>
    logger.warn({ err: error }, 'cannot listen for job events: streams poll'),
  );

  return {
    subscribe(jobId, wake) {
      const wakes = sleepers.get(jobId) ?? new Set();
      sleepers.set(jobId, wakes.add(wake));
      return () => {
        wakes.delete(wake);
        if (wakes.size === 0 && sleepers.get(jobId) === wakes) sleepers.delete(jobId);
      };
    },
    async stop() {
      wakeAll();
      await listening.then(subscription => subscription.unlisten()).catch(() => undefined);
    },
  };
}
