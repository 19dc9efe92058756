import { notificationsRun } from '../../shared/contracts/deadline-notifications.ts';
import { startNotificationRunOperation } from '../../shared/http/deadline-notifications.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { testDatabases } from '../fixtures/database.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { type SmtpSink, smtpSink } from '../fixtures/smtp-sink.ts';
import { shortLocks, testStack } from '../fixtures/stack.ts';
import { makeOffices } from '../fixtures/welfare.ts';
import { rounds } from './batch.ts';

const databases = testDatabases();
const mail = smtpSink();
const store = postgresStore(databases);
const size = { offices: 40, staffPerOffice: 10, recipientsPerOffice: 3 };
const messages = size.offices * size.staffPerOffice;

const stack = testStack({
  databases,
  store: () => store,
  settings: {
    ...shortLocks,
    get SMTP_URL() {
      return mail.url; // known once it listens
    },
  },
});

/** How often each address of a round was told. */
const told = (sink: SmtpSink, name: string): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const { to } of sink.taken) {
    if (to.startsWith(`${name}-`)) counts.set(to, (counts.get(to) ?? 0) + 1);
  }
  return counts;
};

/** What the ledger says of each address of a run. */
async function statuses(jobId: string): Promise<Map<string, string>> {
  const rows = await databases.application.sql<{ email: string; status: string }[]>`
    select s.email, d.status from muster.notification_deliveries d join staffs s on s.id = d.staff_id
    where d.run_id = ${jobId}`;
  return new Map(rows.map(({ email, status }) => [email, status]));
}

test.each(rounds())(
  'nobody is told twice when a worker is killed, and whoever may not have been is listed (round %i)',
  async round => {
    const name = `round${round}`;
    const office_ids = await makeOffices(databases.application.sql, {
      ...size,
      name,
      firstDeadline: '2026-04-01',
    });
    mail.behave = () => 5 + Math.floor(Math.random() * 40);
    const moment = Math.floor(Math.random() * messages * 0.95);
    const body = { as_of: '2026-04-01', channels: ['email'], office_ids };
    const { id: jobId } = await stack.client.submit(startNotificationRunOperation, { body });
    await waitFor('the moment to kill', () => told(mail, name).size >= moment, { intervalMs: 1 });
    await stack.killWorker(await stack.workerOf({ jobId }));
    await stack.startWorker();
    const job = await stack.untilEnded({ jobId });
    const result = notificationsRun.output.parse(job.result);
    const [sink, ledger] = [told(mail, name), await statuses(jobId)];
    const of = (status: string) =>
      [...ledger].filter(([, found]) => found === status).map(([email]) => email);

    expect([...sink].filter(([, count]) => count > 1)).toEqual([]);
    expect(of('sent').filter(email => !sink.has(email))).toEqual([]);
    expect([...sink.keys()].filter(email => !['sent', 'unknown'].includes(ledger.get(email) ?? ''))).toEqual(
      [],
    );
    expect(of('sent').length + of('unknown').length).toBe(messages);
    expect(result).toMatchObject({
      emails_sent: of('sent').length,
      unknown: of('unknown').length,
      failed: 0,
    });
    expect(of('unknown').length).toBeLessThan(messages);
  },
);
