import { newId } from '../../../../../shared/kernel/ids.ts';
import { testDatabases } from '../../../../../test/fixtures/database.ts';
import { smtpSink } from '../../../../../test/fixtures/smtp-sink.ts';
import { testNotifications } from '../../../../../test/fixtures/worker.ts';
import { createUnpacker } from '../plan/deadlines.ts';
import type { Message, OfficeMessages } from '../plan/plan-office.ts';
import { openSenders } from './senders.ts';

const databases = testDatabases();
const mail = smtpSink();
const perSecond = 40;
const alerts = { cycles: `${newId()}2026-04-02`, names: '佐藤 花子' };
const office: OfficeMessages = { officeId: 'o', officeName: 'あおぞら', locale: 'ja', messages: [] };
const run = {
  as_of: '2026-04-01',
  dry_run: false,
  channels: ['email' as const],
  office_concurrency: 2,
  message_concurrency: 2,
  office_ids: null,
};

const messageTo = (email: string): Message => ({
  id: email,
  staff: { id: email, email, name: '山田 太郎', thresholds: {} },
  channel: 'email',
  alerts,
  subscriptions: [],
  attempts: 0,
});

it('several workers keep to the one rate of a channel, and all is sent', async () => {
  const settings = testNotifications({ SMTP_URL: mail.url, EMAILS_PER_SECOND: String(perSecond) });
  const { signal } = new AbortController();
  const deadlines = createUnpacker(office, run.as_of)(alerts);
  const startedAt = performance.now();
  const results = await Promise.all(
    ['a', 'b'].map(async worker => {
      const senders = openSenders(databases.application.db, settings, run);
      const emails = Array.from({ length: 8 }, (_, index) => `${worker}${index}@staff.test`);
      const sent = await Promise.all(
        emails.map(email => senders.send(messageTo(email), office, deadlines, signal)),
      );
      await senders.close();
      return sent;
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  expect(new Set(results.flat().map(({ status }) => status))).toEqual(new Set(['sent']));
  expect(mail.taken).toHaveLength(16);
  expect(mail.taken.length).toBeLessThanOrEqual(seconds * perSecond + 1); // however slow the machine
});
