import type { NotificationRun } from '../../../../shared/contracts/deadline-notifications.ts';
import { backoffMs, sleep } from '../../../../shared/kernel/time.ts';
import {
  addPage,
  type OfficeFailure,
  type PageKey,
  type PageTotals,
  settleLeftovers,
  takePage,
} from '../../../../shared/store/notification-pages.ts';
import type { NotificationDeps } from './deps.ts';
import { type Deferred, dispatch, release } from './dispatch.ts';
import { createFeed, type Feed } from './feed.ts';
import { measure } from './measure.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { type OfficeMessages, type OfficePlan, planOffice } from './plan-office.ts';
import { attempt, type Page, readPage } from './read-page.ts';
import { openSenders, type Senders } from './senders.ts';

/** Offices in a page: what a run reads at once. */
const pageSize = 500;

export type PageDeps = Pick<
  NotificationDeps,
  'applicationDatabase' | 'notifications' | 'logger' | 'workerName'
>;

export interface PageCall {
  key: PageKey;
  run: NotificationRun;
  signal: AbortSignal;
  /** Called with the number of offices done. */
  onProgress?: (done: number, total: number) => void;
  /** Called when there is a next page, before anything of this one is sent. */
  onNext: (key: PageKey) => Promise<void>;
}

/** One page of a run: take it, read it, open the next, send, conclude. Nothing to do when it is done already. */
export async function runPage(deps: PageDeps, call: PageCall): Promise<void> {
  const { key, run, signal } = call;
  const meter = measure(deps.applicationDatabase);
  try {
    const lease = await takePage(meter.db, key, {
      worker: deps.workerName,
      sweep: key.pageIndex === 0 && !run.dry_run,
    });
    if (lease === undefined) return;
    if (lease.epoch > 1) await settleLeftovers(meter.db, lease);
    const page = await meter.reading(db =>
      readPage(db, {
        afterId: lease.afterOffice,
        officeIds: run.office_ids,
        limit: pageSize,
        asOf: run.as_of,
        channels: run.channels,
      }),
    );
    if (page.nextAfter !== undefined) await openNext(meter.db, call, page.nextAfter);
    const outbox = createOutbox(meter.db, lease, {
      dryRun: run.dry_run,
      messages: mostMessages(page),
    });
    const counts = await sendPage({ deps, call, page, outbox, db: meter.db });
    signal.throwIfAborted();
    await outbox.finish({ ...counts, ...meter.figures(1) }, page.failures);
  } finally {
    meter.stop();
  }
}

async function openNext(
  db: Parameters<typeof addPage>[0],
  { key, onNext }: PageCall,
  after: string,
): Promise<void> {
  const next = { ...key, pageIndex: key.pageIndex + 1 };
  await addPage(db, next, after);
  await onNext(next);
}

type Counts = Omit<PageTotals, 'read_queries' | 'total_queries' | 'peak_rss_growth_mb'>;

interface Sending {
  deps: PageDeps;
  call: PageCall;
  page: Page;
  outbox: Outbox;
  db: Parameters<typeof addPage>[0];
}

/**
 * Plans and sends. The last results are left to the statement that ends the page; where it will not come to that, they
 * are written here.
 */
async function sendPage(sending: Sending): Promise<Counts> {
  const { deps, call, page, outbox, db } = sending;
  const counts = countsOf(page);
  const senders = openSenders(db, deps.notifications, call.run);
  let isComplete = false;
  try {
    isComplete = await sendInRounds(sending, senders, planned(sending, counts));
  } finally {
    await senders.close();
    if (!isComplete)
      await outbox.flush().catch(error => deps.logger.warn({ err: error }, 'results were not written'));
  }
  return counts;
}

/** Sends, then goes over what was refused for now, until nothing is or the tries have run out. False when aborted. */
async function sendInRounds(
  { deps, call: { run, signal }, outbox }: Sending,
  senders: Senders,
  first: Feed<OfficeMessages>,
): Promise<boolean> {
  const { attempts, retryMs } = deps.notifications;
  let feed = first;
  for (let round = 1; ; round++) {
    const deferred = await dispatch({
      feed,
      senders,
      outbox,
      asOf: run.as_of,
      officeConcurrency: run.office_concurrency,
      messageConcurrency: run.message_concurrency,
      mayRetry: round < attempts,
      signal,
    });
    if (deferred.offices.length === 0) return !signal.aborted;
    await outbox.flush();
    const pauseMs = Math.max(backoffMs(round - 1, retryMs, longestPauseMs), deferred.retryAfterMs);
    await sleep(pauseMs, signal).catch(() => {}); // its abort is seen on the next line
    if (signal.aborted) {
      for (const { messages } of deferred.offices) release(outbox, messages);
      return false;
    }
    feed = again(deferred, outbox, run);
  }
}

const longestPauseMs = 300_000;

const mostMessages = ({ offices }: Page): number =>
  offices
    .flatMap(({ staff }) => staff)
    .reduce((sum, { thresholds }) => sum + Object.keys(thresholds).length, 0);

const countsOf = (page: Page): Counts => ({
  offices: page.officeCount,
  offices_failed: page.failures.length,
  offices_without_staff: page.offices.filter(({ staff }) => staff.length === 0).length,
  alerts: 0,
  recipients: 0,
  skipped_already_sent: 0,
});

/** Plans offices as they are needed, and claims their messages in batches. A dry run writes its plans down and ends there. */
function planned({ call, page, outbox }: Sending, counts: Counts): Feed<OfficeMessages> {
  const { run, onProgress } = call;
  const waiting = [...page.offices];
  const planNext = (failures: OfficeFailure[]): OfficePlan | undefined => {
    const office = waiting.shift();
    if (office === undefined) return undefined;
    const plan = attempt(office.id, failures, () => planOffice(office, page, run.as_of));
    page.alerts.delete(office.id);
    if (plan === undefined) counts.offices_failed += 1;
    else count(plan, counts);
    return plan ?? nothingFor(office.id);
  };
  return createFeed(async () => {
    if (waiting.length === 0) return undefined;
    const plans: OfficePlan[] = [];
    const wanted = outbox.batchSize();
    for (let size = 0; size < wanted; ) {
      const plan = planNext(page.failures);
      if (plan === undefined) break;
      const messages = plan.messages.length + plan.withoutSubscription.length;
      if (messages > 0) plans.push(plan);
      size += messages;
    }
    onProgress?.(page.offices.length - waiting.length, page.officeCount);
    if (plans.length === 0) return [];
    return outbox.claim(plans);
  }, call.run.office_concurrency);
}

const nothingFor = (officeId: string): OfficePlan => ({
  officeId,
  officeName: '',
  locale: 'en',
  messages: [],
  withoutSubscription: [],
  alerts: 0,
  alreadySent: 0,
});

function count({ alerts, alreadySent, messages }: OfficePlan, counts: Counts): void {
  counts.alerts += alerts;
  counts.skipped_already_sent += alreadySent;
  counts.recipients += new Set(messages.map(({ staff }) => staff.id)).size;
}

/** What was refused for now, an office at a time. */
function again({ offices }: Deferred, outbox: Outbox, run: NotificationRun): Feed<OfficeMessages> {
  const waiting = [...offices];
  return createFeed(async () => {
    if (waiting.length === 0) return undefined;
    const batch: OfficeMessages[] = [];
    const wanted = outbox.batchSize();
    for (let size = 0; size < wanted && waiting.length > 0; ) {
      const office = waiting.shift();
      if (office === undefined) break;
      batch.push(office);
      size += office.messages.length;
    }
    return outbox.resume(batch);
  }, run.office_concurrency);
}
