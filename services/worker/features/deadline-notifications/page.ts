import {
  notificationRunInput,
  notificationsPage,
} from '../../../../shared/contracts/deadline-notifications.ts';
import { isTerminal } from '../../../../shared/contracts/job.ts';
import { isAppError } from '../../../../shared/kernel/errors.ts';
import { implement } from '../../../../shared/platform/queue/consumer.ts';
import type { PayloadOf } from '../../../../shared/platform/queue/contract.ts';
import { findJob } from '../../../../shared/store/jobs/jobs.ts';
import { orRefusal } from '../../refusal.ts';
import type { NotificationDeps } from './deps.ts';
import { openNextPage } from './next-page.ts';
import { runPage } from './run-page.ts';
import { watchRun } from './watch-run.ts';

const nothing = {};

/**
 * One page of a run but the first. A task that comes too late (page done, run ended) does nothing and completes; one that
 * no further try gets past says so in its result.
 */
export const notificationsPageProcessor = implement(
  notificationsPage,
  (deps: NotificationDeps) => context =>
    orRefusal(deps.logger, context, nothing, () => notifyPage(deps, context.payload, context.signal)),
);

async function notifyPage(
  deps: NotificationDeps,
  { run_id, run, page_index }: PayloadOf<typeof notificationsPage>,
  signal: AbortSignal,
) {
  const job = await findJob(deps.db, run_id);
  if (job === undefined || isTerminal(job.status) || job.run !== run) return nothing;
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
  return nothing;
}
