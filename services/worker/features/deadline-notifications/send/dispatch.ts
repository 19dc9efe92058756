import { messageOf } from '../../../../../shared/kernel/errors.ts';
import { createUnpacker, type Deadlines } from '../plan/deadlines.ts';
import type { Message, OfficeMessages } from '../plan/plan-office.ts';
import type { Feed } from './feed.ts';
import type { Outbox } from './outbox.ts';
import type { SendResult } from './result.ts';
import type { Senders } from './senders.ts';

export interface DispatchOptions {
  feed: Feed<OfficeMessages>;
  senders: Senders;
  outbox: Outbox;
  asOf: string;
  officeConcurrency: number;
  messageConcurrency: number;
  /** Whether a message that was refused for now may be tried again in this run. */
  mayRetry: boolean;
  signal: AbortSignal;
}

/** Messages that servers refused for now, and the longest wait that a server asked for. */
export interface Deferred {
  offices: OfficeMessages[];
  retryAfterMs: number;
}

/**
 * Sends what the feed has: so many offices at once, and so many messages of each. Every message ends up recorded in the
 * outbox: by its result, or as released when `signal` aborted before it was tried.
 */
export async function dispatch(options: DispatchOptions): Promise<Deferred> {
  const { feed, outbox, officeConcurrency, signal } = options;
  const deferred: Deferred = { offices: [], retryAfterMs: 0 };
  const lane = async () => {
    for (;;) {
      const office = signal.aborted ? undefined : await feed.take();
      if (office === undefined) return;
      await sendOffice(options, office, deferred);
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: officeConcurrency }, lane));
  for (const office of await feed.close()) release(outbox, office.messages);
  const failed = lanes.find(result => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return deferred;
}

/** Gives messages back that were claimed and not tried. */
export const release = (outbox: Outbox, messages: readonly Message[]): void => {
  for (const { id, attempts, isTold } of messages)
    if (isTold !== true) outbox.record({ id, status: 'released', attempts });
};

async function sendOffice(
  options: DispatchOptions,
  office: OfficeMessages,
  deferred: Deferred,
): Promise<void> {
  const unpack = createUnpacker(office, options.asOf);
  const waiting = [...office.messages];
  const later: Message[] = [];
  const lane = async () => {
    for (let message = waiting.shift(); message !== undefined; message = waiting.shift()) {
      const result = await sendOne(options, message, office, unpack(message.alerts));
      if (result === undefined) release(options.outbox, [message]);
      else settle(options, message, result, later, deferred);
    }
  };
  await Promise.all(Array.from({ length: options.messageConcurrency }, lane));
  if (later.length > 0) deferred.offices.push({ ...office, messages: later });
}

/** Undefined when `signal` aborted before the message was tried. A template that fails is that message's failure. */
async function sendOne(
  { senders, signal }: DispatchOptions,
  message: Message,
  office: OfficeMessages,
  deadlines: Deadlines,
): Promise<SendResult | undefined> {
  if (signal.aborted) return undefined;
  try {
    return await senders.send(message, office, deadlines, signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    return { status: 'failed', code: 'template_error', detail: messageOf(error).slice(0, 500) };
  }
}

function settle(
  { outbox, mayRetry }: DispatchOptions,
  message: Message,
  { status, code, detail, retryAfterMs = 0, gone = [], left }: SendResult,
  later: Message[],
  deferred: Deferred,
): void {
  const attempts = message.attempts + 1;
  const final = status === 'pending' && !mayRetry ? 'failed' : status;
  if (message.isTold !== true || final === 'sent')
    outbox.record({ id: message.id, status: final, code, detail, attempts });
  outbox.prune(gone);
  const subscriptions = left ?? message.subscriptions;
  if (!mayRetry || (status !== 'pending' && (left ?? []).length === 0)) return;
  const isTold = message.isTold === true || status === 'sent' || status === 'unknown';
  later.push({ ...message, attempts, subscriptions, isTold });
  deferred.retryAfterMs = Math.max(deferred.retryAfterMs, retryAfterMs);
}
