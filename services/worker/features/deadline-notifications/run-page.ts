import type { NotificationRun } from '../../../../shared/contracts/deadline-notifications.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import {
  type Addressee,
  addPage,
  type PageKey,
  type PageLease,
  settleLeftovers,
  takePage,
} from '../../../../shared/store/deadline-notifications/notification-pages.ts';
import type { NotificationDeps } from './deps.ts';
import { type Meter, measure } from './measure.ts';
import { createPagePlanner, mostMessages } from './plan/plan-page.ts';
import { type Page, readPage } from './plan/read-page.ts';
import { createOutbox } from './send/outbox.ts';
import { sendInRounds } from './send/send-rounds.ts';
import { openSenders } from './send/senders.ts';

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
  const meter = measure(deps.applicationDatabase);
  try {
    const taken = await takeOver(meter.db, deps.workerName, call);
    if (taken === undefined) return;
    const page = await meter.reading(db => read(db, call.run, taken.lease));
    if (page.nextAfter !== undefined) await openNext(meter.db, call, page.nextAfter);
    await send({ deps, call, meter, page, ...taken });
  } finally {
    meter.stop();
  }
}

interface TakenPage {
  lease: PageLease;
  /** Whom the workers that had the page before told, or may have. */
  told: Addressee[];
}

/** The page's lease, with what its last worker left settled; undefined when the page is done. */
async function takeOver(
  db: Executor,
  worker: string,
  { key, run }: PageCall,
): Promise<TakenPage | undefined> {
  const sweep = key.pageIndex === 0 && !run.dry_run;
  const lease = await takePage(db, key, { worker, sweep });
  if (lease === undefined) return undefined;
  return { lease, told: lease.epoch > 1 ? await settleLeftovers(db, lease) : [] };
}

const read = (db: Executor, run: NotificationRun, { afterOffice }: PageLease): Promise<Page> =>
  readPage(db, {
    afterId: afterOffice,
    officeIds: run.office_ids,
    limit: pageSize,
    asOf: run.as_of,
    channels: run.channels,
  });

async function openNext(db: Executor, { key, onNext }: PageCall, after: string): Promise<void> {
  const next = { ...key, pageIndex: key.pageIndex + 1 };
  await addPage(db, next, after);
  await onNext(next);
}

interface OpenPage extends TakenPage {
  deps: PageDeps;
  call: PageCall;
  meter: Meter;
  page: Page;
}

/** The last results are written by the statement that ends the page; where it does not come to that, on their own. */
async function send({ deps, call, meter, lease, told, page }: OpenPage): Promise<void> {
  const { run, signal, onProgress } = call;
  const planner = createPagePlanner(page, run.as_of, told);
  const outbox = createOutbox(meter.db, lease, { dryRun: run.dry_run, messages: mostMessages(page) });
  const senders = openSenders(meter.db, deps.notifications, run);
  try {
    await sendInRounds({
      run,
      settings: deps.notifications,
      planner,
      outbox,
      senders,
      signal,
      onProgress: done => onProgress?.(done, page.officeCount),
    }).finally(() => senders.close());
    signal.throwIfAborted();
    await outbox.finish({ ...planner.counts(), ...meter.figures(1) }, planner.failures);
  } catch (error) {
    await outbox.flush().catch(err => deps.logger.warn({ err }, 'results were not written'));
    throw error;
  }
}
