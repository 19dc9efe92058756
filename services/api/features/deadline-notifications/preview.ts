import {
  type Channel,
  channels,
  notificationRunInput,
} from '../../../../shared/contracts/deadline-notifications.ts';
import {
  joinParts,
  listAlerts,
  renderEmail,
} from '../../../../shared/contracts/notification-messages/email.ts';
import { localeOf, type MessageContent } from '../../../../shared/contracts/notification-messages/message.ts';
import { renderPush } from '../../../../shared/contracts/notification-messages/push.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import { unpackAlerts } from '../../../../shared/store/deadline-notifications/notification-alerts.ts';
import type { DeliveryRow } from '../../../../shared/store/deadline-notifications/notification-deliveries.ts';
import { readMessage } from '../../../../shared/store/deadline-notifications/notification-reading.ts';
import { oneOf } from './present.ts';

/** A delivery's message, made anew. The link that stops e-mail is not for those who only look. */
export async function previewOf(applicationDb: Executor, delivery: DeliveryRow, run: unknown) {
  const found = await readMessage(applicationDb, delivery);
  if (found === undefined)
    throw new AppError('not_found', 'The office, the staff member or the deadlines are gone');
  const content: MessageContent = {
    officeName: found.officeName,
    staffName: found.staffName,
    locale: localeOf(found.locale),
    asOf: notificationRunInput.parse(run).as_of,
    alerts: unpackAlerts(found),
  };
  const channel = oneOf(channels, delivery.channel);
  return { channel, locale: content.locale, ...render(content, channel) };
}

/** Data that no template can be filled with, such as a date that is none, fail a message when it is sent too. */
function render(content: MessageContent, channel: Channel) {
  try {
    if (channel === 'email') {
      const { subject, text, html } = renderEmail(content, listAlerts(content), undefined);
      return { subject, text: joinParts(text), html: joinParts(html) };
    }
    const { title, body } = renderPush(content);
    return { subject: title, text: body, html: null };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new AppError('conflict', `The message cannot be made of the data as they are: ${cause.message}`, {
      cause,
    });
  }
}
