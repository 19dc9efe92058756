import type { NotificationRun } from '../../../../../shared/contracts/deadline-notifications.ts';
import { backoffMs, sleep } from '../../../../../shared/kernel/time.ts';
import type { NotificationSettings } from '../deps.ts';
import type { OfficeMessages } from '../plan/plan-office.ts';
import type { PagePlanner } from '../plan/plan-page.ts';
import { type Deferred, dispatch, release } from './dispatch.ts';
import { createFeed, type Feed } from './feed.ts';
import type { Outbox } from './outbox.ts';
import type { Senders } from './senders.ts';

const longestPauseMs = 300_000;

export interface Sending {
  run: NotificationRun;
  settings: Pick<NotificationSettings, 'attempts' | 'retryMs'>;
  planner: PagePlanner;
  outbox: Outbox;
  senders: Senders;
  signal: AbortSignal;
  /** Called with the number of offices planned. */
  onProgress: (done: number) => void;
}

/**
 * Sends a page, then goes over what was refused for now, until nothing is or the tries have run out. Resolves with all of it
 * in the outbox; also when `signal` aborted, with what was not tried released.
 */
export async function sendInRounds(sending: Sending): Promise<void> {
  const { settings, outbox, signal } = sending;
  let feed = planned(sending);
  for (let round = 1; ; round++) {
    const deferred = await sendRound(sending, feed, round < settings.attempts);
    if (deferred.offices.length === 0) return;
    await outbox.flush();
    await pause(sending, round, deferred);
    if (signal.aborted)
      return release(
        outbox,
        deferred.offices.flatMap(({ messages }) => messages),
      );
    feed = resumed(sending, deferred);
  }
}

const sendRound = (
  { run, outbox, senders, signal }: Sending,
  feed: Feed<OfficeMessages>,
  mayRetry: boolean,
): Promise<Deferred> =>
  dispatch({
    feed,
    senders,
    outbox,
    asOf: run.as_of,
    officeConcurrency: run.office_concurrency,
    messageConcurrency: run.message_concurrency,
    mayRetry,
    signal,
  });

/** Waits for the next round: as long as the slowest server asked for, longer each time. Ends early when `signal` aborts. */
async function pause(
  { settings, signal }: Sending,
  round: number,
  { retryAfterMs }: Deferred,
): Promise<void> {
  const pauseMs = Math.max(backoffMs(round - 1, settings.retryMs, longestPauseMs), retryAfterMs);
  await sleep(pauseMs, signal).catch(() => {});
}

/** What the planner gives, claimed a batch at a time. Of a dry run nothing is to be sent: its claims give none. */
const planned = ({ run, planner, outbox, onProgress }: Sending): Feed<OfficeMessages> =>
  createFeed(async () => {
    const plans = planner.next(outbox.batchSize());
    if (plans === undefined) return undefined;
    onProgress(planner.done());
    return outbox.claim(plans);
  }, run.office_concurrency);

/** What was refused for now, a batch at a time. */
function resumed({ run, outbox }: Sending, { offices }: Deferred): Feed<OfficeMessages> {
  const waiting = [...offices];
  return createFeed(async () => {
    if (waiting.length === 0) return undefined;
    const wanted = outbox.batchSize();
    let size = 0;
    const end = waiting.findIndex(({ messages }) => {
      size += messages.length;
      return size >= wanted;
    });
    return outbox.resume(waiting.splice(0, end === -1 ? waiting.length : end + 1));
  }, run.office_concurrency);
}
