import { z } from 'zod';
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
import type { DeliveryRow } from '../../../../shared/store/notification-deliveries.ts';
import { readMessage } from '../../../../shared/store/notification-reading.ts';
import { oneOf } from './present.ts';

const alertsSchema = z.array(z.tuple([z.uuid(), z.string(), z.iso.date()]));

/** A delivery's message, made anew. The link that stops e-mail is not for those who only look. */
export async function previewOf(applicationDb: Executor, delivery: DeliveryRow, run: unknown) {
  const found = await readMessage(applicationDb, delivery);
  if (found === undefined) throw new AppError('not_found', 'The office or the staff member is gone');
  const content: MessageContent = {
    ...found,
    locale: localeOf(found.locale),
    asOf: notificationRunInput.parse(run).as_of,
    alerts: alertsSchema
      .parse(JSON.parse(found.alerts ?? '[]'))
      .map(([cycleId, recipientName, deadline]) => ({ cycleId, recipientName, deadline })),
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
