import { createTransport } from 'nodemailer';
import { joinParts, listAlerts, renderEmail } from '../shared/contracts/notification-messages/email.ts';
import type { MessageContent } from '../shared/contracts/notification-messages/message.ts';
import { asOf, recipientsPerOffice } from './notification-data.ts';

/** Of Muster and of the bare pool alike. */
export const connections = 50;

/** The same texts, made before the clock starts, as fast as a nodemailer pool encodes and sends them. @returns seconds */
export async function sendBare(smtpUrl: string, count: number): Promise<number> {
  const transport = createTransport({
    url: smtpUrl,
    pool: true,
    maxConnections: connections,
    maxMessages: Number.POSITIVE_INFINITY,
  });
  const alerts = Array.from({ length: recipientsPerOffice }, (_, index) => ({
    cycleId: '',
    recipientName: `佐藤 花子${index}`,
    deadline: asOf,
  }));
  const content: MessageContent = {
    locale: 'ja',
    officeName: '事業所 1',
    staffName: '山田 太郎1',
    asOf,
    alerts,
  };
  const rendered = renderEmail(content, listAlerts(content), 'http://127.0.0.1:8080/unsubscribe?token=x');
  const [text, html] = [joinParts(rendered.text), joinParts(rendered.html)];
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      transport.sendMail({
        from: 'Muster <muster@localhost>',
        to: { name: '山田 太郎', address: `bare-${index}@staff.test` },
        subject: rendered.subject,
        text,
        html,
        headers: { 'List-Unsubscribe': '<http://127.0.0.1:8080/unsubscribe?token=x>' },
      }),
    ),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  transport.close();
  return seconds;
}
