import { notificationsRun } from '../../shared/contracts/deadline-notifications.ts';
import { startNotificationRunOperation } from '../../shared/http/deadline-notifications.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { testDatabases } from '../fixtures/database.ts';
import { pushSink } from '../fixtures/push-sink.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { smtpSink } from '../fixtures/smtp-sink.ts';
import { shortLocks, testStack } from '../fixtures/stack.ts';
import { makeOffices, subscribeStaff } from '../fixtures/welfare.ts';
import { rounds } from './batch.ts';

const databases = testDatabases();
const mail = smtpSink();
const push = pushSink();
const store = postgresStore(databases);
const size = { offices: 40, staffPerOffice: 10, recipientsPerOffice: 3 };
const messages = 2 * size.offices * size.staffPerOffice; // an e-mail and a push for everybody

const stack = testStack({
  databases,
  store: () => store,
  settings: {
    ...shortLocks,
    PUSH_ALLOWLIST: 'localhost',
    get SMTP_URL() {
      return mail.url; // known once it listens
    },
  },
});

/** How often each address, and each person's browser, of a round was told. */
function told(name: string): Map<string, number> {
  const counts = new Map<string, number>();
  const pushed = push.taken.filter(({ path }) => path.startsWith(`/${name}/`)).map(({ path }) => path);
  const mailed = mail.taken.filter(({ to }) => to.startsWith(`${name}-`)).map(({ to }) => to);
  for (const target of [...mailed, ...pushed]) counts.set(target, (counts.get(target) ?? 0) + 1);
  return counts;
}

/** What the ledger says of each of them. */
async function statuses(name: string, jobId: string): Promise<Map<string, string>> {
  const rows = await databases.application.sql<{ target: string; status: string }[]>`
    select case d.channel when 'email' then s.email else ${`/${name}/`} || s.id end as target, d.status
    from muster.notification_deliveries d join staffs s on s.id = d.staff_id
    where d.run_id = ${jobId}`;
  return new Map(rows.map(({ target, status }) => [target, status]));
}

test.each(rounds(2))(
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
    await subscribeStaff(databases.application.sql, office_ids, {
      endpoint: `${push.url}/${name}`,
      keys: push.keys,
    });
    const body = { as_of: '2026-04-01', office_ids };
    const { id: jobId } = await stack.client.submit(startNotificationRunOperation, { body });
    await waitFor('the moment to kill', () => told(name).size >= moment, { intervalMs: 1 });
    await stack.killWorker(await stack.workerOf({ jobId }));
    await stack.startWorker();
    const job = await stack.untilEnded({ jobId });
    const result = notificationsRun.output.parse(job.result);
    const [sink, ledger] = [told(name), await statuses(name, jobId)];
    const of = (status: string) =>
      [...ledger].filter(([, found]) => found === status).map(([target]) => target);

    expect([...sink].filter(([, count]) => count > 1)).toEqual([]);
    expect(of('sent').filter(target => !sink.has(target))).toEqual([]);
    expect(
      [...sink.keys()].filter(target => !['sent', 'unknown'].includes(ledger.get(target) ?? '')),
    ).toEqual([]);
    expect(of('sent').length + of('unknown').length).toBe(messages);
    const pushed = of('sent').filter(target => target.startsWith('/')).length;
    expect(result).toMatchObject({
      emails_sent: of('sent').length - pushed,
      pushes_sent: pushed,
      unknown: of('unknown').length,
      failed: 0,
    });
    expect(of('unknown').length).toBeLessThan(messages);
  },
);
