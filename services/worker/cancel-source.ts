import type { Logger } from '../../shared/platform/log.ts';
import type { Database } from '../../shared/platform/postgres/db.ts';
import type { CancelSource } from '../../shared/platform/queue/cancellation.ts';
import { cancelledAmong } from '../../shared/store/jobs/job-runs.ts';
import { jobCancelChannel } from '../../shared/store/jobs/jobs.ts';

/** Cancellations as the jobs' rows have them; one LISTEN connection a process tells when to look. */
export function jobCancelSource(
  { db, sql }: Database,
  logger: Logger,
): CancelSource & { stop(): Promise<void> } {
  const wakes = new Set<() => void>();
  const wakeAll = () => {
    for (const wake of wakes) wake();
  };
  const listening = sql.listen(jobCancelChannel, wakeAll, wakeAll);
  listening.catch((error: unknown) =>
    logger.warn({ err: error }, 'cannot listen for cancellations: workers poll'),
  );
  return {
    cancelled: ids => cancelledAmong(db, ids),
    onChange(wake) {
      wakes.add(wake);
      return () => wakes.delete(wake);
    },
    async stop() {
      await listening.then(subscription => subscription.unlisten()).catch(() => undefined);
    },
  };
}
