import type { QueueActivity } from '../../shared/contracts/worker.ts';
import { messageOf } from '../../shared/kernel/errors.ts';
import type { Service } from '../../shared/kernel/lifecycle.ts';
import { createLoop } from '../../shared/kernel/loop.ts';
import type { Logger } from '../../shared/platform/log.ts';
import type { Executor } from '../../shared/platform/postgres/db.ts';
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
  const loop = createLoop({
    name: 'heartbeat',
    intervalMs,
    runOnce: () => beat(db, identity, activity()),
    onError: error => logger.warn({ reason: messageOf(error) }, 'a heartbeat was not written'),
  });
  await loop.runOnce(); // a worker that cannot register does not start
  loop.start();
  return {
    name: loop.name,
    async stop() {
      await loop.stop();
      await loop.runOnce();
      await markWorkerStopped(db, identity.id);
    },
  };
}
