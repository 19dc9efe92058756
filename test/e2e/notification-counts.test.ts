import { z } from 'zod';
import { notificationsRun } from '../../shared/contracts/deadline-notifications.ts';
import { testApi } from '../fixtures/api.ts';
import { testDatabases } from '../fixtures/database.ts';
import { foreignSmtpServer } from '../fixtures/foreign-smtp-server.ts';
import { testJobs } from '../fixtures/jobs.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { makeOffices } from '../fixtures/welfare.ts';
import { runWorker, testNotifications } from '../fixtures/worker.ts';

const databases = testDatabases();
const mail = foreignSmtpServer();
const store = postgresStore(databases);
const api = testApi(databases, { SMTP_URL: 'smtp://set.invalid' });
const size = { name: 'counted', offices: 60, staffPerOffice: 5, recipientsPerOffice: 3 };

beforeAll(async () => {
  const { stop } = await runWorker(databases, store, {
    notifications: testNotifications({ SMTP_URL: mail.url, MAIL_FROM: 'Muster <muster@muster.test>' }),
  });
  atFileEnd(stop);
});

async function run() {
  const { id, result } = await testJobs(api).run('POST', '/api/deadline-notifications/runs', {
    as_of: '2026-04-01',
    channels: ['email'],
  });
  return { id, result: notificationsRun.output.parse(result) };
}

const addresses = z.array(z.object({ email: z.string() })).transform(rows => rows.map(({ email }) => email));

/** To whom the ledger says that a message was sent, and who stands in its told sets. */
async function ledger(runId: string) {
  const { sql } = databases.application;
  const sent = await sql`
    select s.email from muster.notification_deliveries d join staffs s on s.id = d.staff_id
    where d.run_id = ${runId} and d.status = 'sent'`;
  const told = await sql`
    select s.email from muster.notification_ledger l join staffs s on s.id = l.staff_id
    where cardinality(l.cycle_ids) = ${size.recipientsPerOffice}`;
  return { sent: addresses.parse(sent).toSorted(), told: addresses.parse(told).toSorted() };
}

it('says in result and ledger what a mail server that is not ours has, message by message', async () => {
  await makeOffices(databases.application.sql, { ...size, firstDeadline: '2026-03-30' });
  const { id, result } = await run();
  const kept = await mail.kept();
  const arrived = kept.flatMap(({ envelope }) => envelope.to.map(({ address }) => address)).toSorted();
  const { sent, told } = await ledger(id);

  expect(result).toMatchObject({ emails_sent: size.offices * size.staffPerOffice, failed: 0, unknown: 0 });
  expect(arrived).toHaveLength(result.emails_sent);
  expect(arrived).toEqual(sent);
  expect(arrived).toEqual(told);
  expect(new Set(kept.map(({ headers }) => headers['message-id'])).size).toBe(result.emails_sent);

  const again = await run();
  expect(again.result).toMatchObject({ emails_sent: 0, skipped_already_sent: result.emails_sent });
  expect(await mail.kept()).toHaveLength(result.emails_sent);
});

it('is read by its parser as it was written', async () => {
  for (const { to, subject, text, html } of await mail.kept()) {
    const [office, staff] = /^counted-(\d+)-(\d+)@/.exec(to[0]?.address ?? '')?.slice(1) ?? [];
    expect(to).toEqual([{ name: `山田 太郎${staff}`, address: `counted-${office}-${staff}@staff.test` }]);
    expect(subject).toContain(`counted 事業所 ${office}`);
    for (const form of [text, html]) {
      for (const name of ['花子1', '花子2', '花子3']) expect(form).toContain(`佐藤 ${name}`);
    }
  }
});
