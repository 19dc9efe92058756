import { channels, notificationRunInput } from '../../../../shared/contracts/deadline-notifications.ts';
import {
  joinParts,
  listAlerts,
  renderEmail,
} from '../../../../shared/contracts/notification-messages/email.ts';
import { localeOf, type MessageContent } from '../../../../shared/contracts/notification-messages/message.ts';
import { renderPush } from '../../../../shared/contracts/notification-messages/push.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import type { Executor } from '../../../../shared/platform/db.ts';
import { unpackAlerts } from '../../../../shared/store/notification-alerts.ts';
import type { DeliveryRow } from '../../../../shared/store/notification-deliveries.ts';
import { readMessage } from '../../../../shared/store/notification-reading.ts';
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
  const { locale } = content;
  if (channel === 'email') {
    const { subject, text, html } = renderEmail(content, listAlerts(content), undefined);
    return { channel, locale, subject, text: joinParts(text), html: joinParts(html) };
  }
  const { title, body } = renderPush(content);
  return { channel, locale, subject: title, text: body, html: null };
}
