import {
  type NotificationRun,
  type NotificationRunResult,
  notificationsPage,
  notificationsRun,
} from '../../../../shared/contracts/deadline-notifications.ts';
import { isAppError } from '../../../../shared/kernel/errors.ts';
import { sleep } from '../../../../shared/kernel/time.ts';
import {
  type RunState,
  readRun,
} from '../../../../shared/store/deadline-notifications/notification-pages.ts';
import { cancelledWith, implementJob, type JobCall } from '../../job-runner.ts';
import { createRevival } from '../../refusal.ts';
import type { NotificationDeps } from './deps.ts';
import { openNextPage, taskOf } from './next-page.ts';
import { runPage } from './run-page.ts';

type Call = JobCall<NotificationRun>;

/** A run of one page is over at the first look; one of many is looked at less and less often. */
const firstPollMs = 100;
const longestPollMs = 1000;

/**
 * A run: works through the first page itself, then waits for those that other workers have, and adds everything up from
 * the ledger's deliveries. It may be done twice: a page that is done is left alone, and nobody is told twice.
 */
export const notificationsRunProcessor = implementJob(
  notificationsRun,
  (deps: NotificationDeps) => async call => {
    const key = { runId: call.jobId, run: call.run, pageIndex: 0 };
    const look = createLook(deps, call);
    try {
      await runPage(deps, {
        key,
        run: call.input,
        signal: call.signal,
        onProgress: (done, total) => call.report({ phase: 'notifying', done, total }),
        onNext: openNextPage(deps.queue),
      });
      return resultOf(call, await untilDone(deps, call, look));
    } catch (error) {
      if (!isAppError(call.signal.reason, 'cancelled')) throw error;
      throw cancelledWith(resultOf(call, await look({ isOver: true })));
    }
  },
);

/** Looks where the run stands; the looks are statements like any other, and count with those of the pages. */
function createLook({ applicationDatabase: { db } }: NotificationDeps, { jobId: runId, run }: Call) {
  let looks = 0;
  return async ({ isOver = false } = {}): Promise<RunState> => {
    looks += 1;
    const state = await readRun(db, { runId, run }, isOver);
    return {
      ...state,
      totals: { ...state.totals, total_queries: state.totals.total_queries + looks },
    };
  };
}

async function untilDone(
  { queue }: NotificationDeps,
  call: Call,
  look: () => Promise<RunState>,
): Promise<RunState> {
  const revive = createRevival(queue, notificationsPage);
  for (let pollMs = firstPollMs; ; pollMs = Math.min(2 * pollMs, longestPollMs)) {
    call.signal.throwIfAborted();
    const state = await look();
    if (state.open.length === 0) return state;
    call.report({ phase: 'pages', done: state.pages - state.open.length, total: state.pages });
    await revive(() => state.open.map(pageIndex => taskOf({ runId: call.jobId, run: call.run, pageIndex })));
    await sleep(pollMs, call.signal);
  }
}

function resultOf(
  { input, startedAt }: Call,
  { totals, recipients, deliveries }: RunState,
): NotificationRunResult {
  const sum = (matches: (delivery: RunState['deliveries'][number]) => boolean) =>
    deliveries.filter(matches).reduce((total, { count }) => total + count, 0);
  const sent = input.dry_run ? 'planned' : 'sent';
  return {
    dry_run: input.dry_run,
    ...totals,
    recipients,
    emails_sent: sum(({ channel, status }) => channel === 'email' && status === sent),
    pushes_sent: sum(({ channel, status }) => channel === 'push' && status === sent),
    skipped: sum(({ status }) => status === 'skipped'),
    failed: sum(({ status }) => status === 'failed'),
    unknown: sum(({ status }) => status === 'unknown'),
    duration: Math.max(0, Date.now() - startedAt.getTime()) / 1000,
  };
}
