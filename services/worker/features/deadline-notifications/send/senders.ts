import type { Channel, NotificationRun } from '../../../../../shared/contracts/deadline-notifications.ts';
import type { Executor } from '../../../../../shared/platform/postgres/db.ts';
import type { NotificationSettings } from '../deps.ts';
import type { Deadlines } from '../plan/deadlines.ts';
import type { Message, OfficeMessages } from '../plan/plan-office.ts';
import { createEmailSender } from './email-sender.ts';
import { createPacer, type Pacer } from './pacer.ts';
import { createPushSender } from './push-sender.ts';
import type { SendResult } from './result.ts';

/** The channels of one page: opened for it, kept to their rates, closed with it. */
export interface Senders {
  /** Rejects when `signal` aborts before the message was tried, and when a template fails. */
  send(
    message: Message,
    office: OfficeMessages,
    deadlines: Deadlines,
    signal: AbortSignal,
  ): Promise<SendResult>;
  close(): Promise<void>;
}

export function openSenders(db: Executor, settings: NotificationSettings, run: NotificationRun): Senders {
  const connections = Math.min(100, run.office_concurrency * run.message_concurrency);
  const email = createEmailSender(settings, connections);
  const push = createPushSender(settings, connections);
  const paces: Record<Channel, Pacer> = {
    email: createPacer(db, 'email', settings.perSecond.email),
    push: createPacer(db, 'push', settings.perSecond.push),
  };
  return {
    async send(message, office, deadlines, signal) {
      await paces[message.channel](signal);
      return message.channel === 'email'
        ? email.send(message, office, deadlines, run.as_of)
        : push.send(message, office, deadlines, run.as_of);
    },
    async close() {
      email.close();
      await push.close();
    },
  };
}
