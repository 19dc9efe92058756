import {
  type NotificationRun,
  type NotificationRunResult,
  notificationsPage,
  notificationsRun,
} from '../../../../shared/contracts/deadline-notifications.ts';
import { isAppError } from '../../../../shared/kernel/errors.ts';
import { sleep } from '../../../../shared/kernel/time.ts';
import { type RunState, readRun } from '../../../../shared/store/notification-pages.ts';
import { cancelledWith, implementJob, type JobCall } from '../../job-runner.ts';
import type { NotificationDeps } from './deps.ts';
import { openNextPage, taskOf } from './next-page.ts';
import { runPage } from './run-page.ts';

type Call = JobCall<NotificationRun>;

const pollMs = 100;
/** How often pages that are not done are checked against the queue. */
const reviveEveryMs = 5000;

/**
 * A run: works through the first page itself, then waits for those that other workers have, and adds everything up from
 * the ledger's deliveries. It may be done twice: a page that is done is left alone, and nobody is told twice.
 */
export const notificationsRunProcessor = implementJob(
  notificationsRun,
  (deps: NotificationDeps) => async call => {
    const key = { runId: call.jobId, run: call.run, pageIndex: 0 };
    try {
      await runPage(deps, {
        key,
        run: call.input,
        signal: call.signal,
        onProgress: (done, total) => call.report({ phase: 'notifying', done, total }),
        onNext: openNextPage(deps.queue),
      });
      return resultOf(call, await untilDone(deps, call));
    } catch (error) {
      if (!isAppError(call.signal.reason, 'cancelled')) throw error;
      throw cancelledWith(resultOf(call, await readRun(deps.applicationDatabase.db, key.runId, key.run)));
    }
  },
);

async function untilDone({ applicationDatabase, queue }: NotificationDeps, call: Call): Promise<RunState> {
  let revivedAt = performance.now();
  for (;;) {
    call.signal.throwIfAborted();
    const state = await readRun(applicationDatabase.db, call.jobId, call.run);
    if (state.open.length === 0) return state;
    call.report({ phase: 'pages', done: state.pages - state.open.length, total: state.pages });
    if (performance.now() - revivedAt >= reviveEveryMs) {
      revivedAt = performance.now();
      const tasks = state.open.map(pageIndex => taskOf({ runId: call.jobId, run: call.run, pageIndex }));
      await queue.reviveAll(notificationsPage, tasks);
    }
    await sleep(pollMs, call.signal);
  }
}

function resultOf({ input, startedAt }: Call, { totals, deliveries }: RunState): NotificationRunResult {
  const sum = (matches: (delivery: RunState['deliveries'][number]) => boolean) =>
    deliveries.filter(matches).reduce((total, { count }) => total + count, 0);
  const sent = input.dry_run ? 'planned' : 'sent';
  return {
    dry_run: input.dry_run,
    ...totals,
    total_queries: totals.total_queries + 1,
    emails_sent: sum(({ channel, status }) => channel === 'email' && status === sent),
    pushes_sent: sum(({ channel, status }) => channel === 'push' && status === sent),
    skipped: sum(({ status }) => status === 'skipped'),
    failed: sum(({ status }) => status === 'failed'),
    unknown: sum(({ status }) => status === 'unknown'),
    duration: Math.max(0, Date.now() - startedAt.getTime()) / 1000,
  };
}
