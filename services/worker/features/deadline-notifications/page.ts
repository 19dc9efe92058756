import {
  notificationRunInput,
  notificationsPage,
} from '../../../../shared/contracts/deadline-notifications.ts';
import { isTerminal } from '../../../../shared/contracts/job.ts';
import { isAppError } from '../../../../shared/kernel/errors.ts';
import { implement } from '../../../../shared/platform/queue/consumer.ts';
import { findJob } from '../../../../shared/store/jobs.ts';
import type { NotificationDeps } from './deps.ts';
import { openNextPage } from './next-page.ts';
import { runPage } from './run-page.ts';
import { watchRun } from './watch-run.ts';

/** One page of a run but the first. A task that comes too late (page done, run ended) does nothing and completes. */
export const notificationsPageProcessor = implement(
  notificationsPage,
  (deps: NotificationDeps) =>
    async ({ payload: { run_id, run, page_index }, signal }) => {
      const job = await findJob(deps.db, run_id);
      if (job === undefined || isTerminal(job.status) || job.run !== run) return null;
      const watch = watchRun(deps.db, run_id);
      try {
        await runPage(deps, {
          key: { runId: run_id, run, pageIndex: page_index },
          run: notificationRunInput.parse(job.payload),
          signal: AbortSignal.any([signal, watch.signal]),
          onNext: openNextPage(deps.queue),
        });
      } catch (error) {
        if (!isAppError(error, 'lease_lost') && !isAppError(error, 'cancelled')) throw error;
      } finally {
        await watch.stop();
      }
      return null;
    },
);
