import type { QueueActivity } from '../../shared/contracts/worker.ts';
import type { JobHandler } from '../../shared/platform/queue/job-run.ts';

/** Counts what this process runs and has run, by queue: the figures of `GET /api/workers`. */
export function createActivity() {
  const byQueue: Record<string, QueueActivity> = {};
  return {
    current: (): Record<string, QueueActivity> => structuredClone(byQueue),
    /** The same handler, counted. */
    counted<Payload, Result>(
      queue: string,
      concurrency: number,
      handler: JobHandler<Payload, Result>,
    ): JobHandler<Payload, Result> {
      const counts: QueueActivity = { concurrency, active: 0, completed: 0, failed: 0 };
      byQueue[queue] = counts;
      return async context => {
        counts.active += 1;
        try {
          const result = await handler(context);
          counts.completed += 1;
          return result;
        } catch (error) {
          counts.failed += 1;
          throw error;
        } finally {
          counts.active -= 1;
        }
      };
    },
  };
}

export type Activity = ReturnType<typeof createActivity>;
