import type { QueueActivity } from '../../shared/contracts/worker.ts';
import { messageOf } from '../../shared/kernel/errors.ts';
import type { Service } from '../../shared/kernel/lifecycle.ts';
import { sleep } from '../../shared/kernel/time.ts';
import type { Executor } from '../../shared/platform/db.ts';
import type { Logger } from '../../shared/platform/log.ts';
import { beat, markWorkerStopped, type WorkerIdentity } from '../../shared/store/workers.ts';

export interface HeartbeatOptions {
  db: Executor;
  identity: WorkerIdentity;
  activity: () => Record<string, QueueActivity>;
  logger: Logger;
  intervalMs?: number;
}

/** Says every two seconds that this worker lives and what it does; at the stop, that it has stopped. */
export async function startHeartbeat(options: HeartbeatOptions): Promise<Service> {
  const { db, identity, activity, logger, intervalMs = 2000 } = options;
  const stopped = new AbortController();
  await beat(db, identity, activity());

  async function loop(): Promise<void> {
    for (;;) {
      await sleep(intervalMs, stopped.signal);
      await beat(db, identity, activity()).catch((error: unknown) =>
        logger.warn({ reason: messageOf(error) }, 'a heartbeat was not written'),
      );
    }
  }

  const running = loop().catch(() => undefined); // the stop ends the sleep
  return {
    name: 'heartbeat',
    async stop() {
      stopped.abort();
      await running;
      await beat(db, identity, activity());
      await markWorkerStopped(db, identity.id);
    },
  };
}
