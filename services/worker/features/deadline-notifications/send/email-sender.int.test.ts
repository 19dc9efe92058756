import { once } from 'node:events';
import { createServer } from 'node:net';
import getPort from 'get-port';
import { newId } from '../../../../../shared/kernel/ids.ts';
import { smtpSink } from '../../../../../test/fixtures/smtp-sink.ts';
import { testNotifications } from '../../../../../test/fixtures/worker.ts';
import { createUnpacker } from '../plan/deadlines.ts';
import type { Message, OfficeMessages } from '../plan/plan-office.ts';
import { createEmailSender } from './email-sender.ts';

const mail = smtpSink();
const alerts = { cycles: `${newId()}2026-04-02`, names: '佐藤 花子' };
const office: OfficeMessages = { officeId: 'o', officeName: 'あおぞら', locale: 'ja', messages: [] };
const asOf = '2026-04-01';
const unpack = createUnpacker(office, asOf);

const messageTo = (email: string): Message => ({
  id: email,
  staff: { id: 's', email, name: '山田 太郎', thresholds: {} },
  channel: 'email',
  alerts,
  subscriptions: [],
  attempts: 0,
});

const senderTo = (smtpUrl: string) =>
  createEmailSender(testNotifications({ SMTP_URL: smtpUrl, NOTIFICATION_TIMEOUT_MS: '600' }), 2);

async function send(email: string, smtpUrl = mail.url) {
  const sender = senderTo(smtpUrl);
  return sender.send(messageTo(email), office, unpack(alerts), asOf).finally(() => sender.close());
}

describe('one try to send an e-mail', () => {
  it('may be repeated when no server is there, or one that says nothing', async () => {
    const closed = await getPort({ host: '127.0.0.1' });
    expect(await send('a@staff.test', `smtp://127.0.0.1:${closed}`)).toMatchObject({
      status: 'pending',
      code: 'smtp_unreachable',
    });
    const port = await getPort({ host: '127.0.0.1' });
    const silent = createServer().listen(port, '127.0.0.1');
    await once(silent, 'listening');
    expect(await send('a@staff.test', `smtp://127.0.0.1:${port}`)).toMatchObject({ status: 'pending' });
    silent.close();
  });

  it('is unknown when the connection is lost while the server has the message', async () => {
    mail.behave = to => (to.startsWith('late') ? 60_000 : 'drop');
    expect((await send('late@staff.test')).status).toBe('unknown');
    expect(['unknown', 'pending']).toContain((await send('drop@staff.test')).status);
  });

  it('fails for good on an address that is none, and never reaches the server with it', async () => {
    const bad = [
      'a b@staff.test',
      'a@staff.test\r\nBcc: x@y.test',
      'a@b@c',
      '<a@b.test>',
      'あ@staff.test',
      'a',
    ];
    for (const email of bad) expect(await send(email)).toMatchObject({ code: 'invalid_address' });
    expect(mail.taken.map(({ to }) => to)).toEqual(['late@staff.test']);
  });
});

it('tries a wrong password once, whatever the number of messages', async () => {
  const before = mail.refusedLogins;
  const sender = senderTo(mail.url.replace(':secret@', ':wrong@'));
  const send = (name: string) => sender.send(messageTo(`${name}@staff.test`), office, unpack(alerts), asOf);
  const results = [...(await Promise.all(['a', 'b', 'c'].map(send))), await send('d')];
  sender.close();
  expect(results.map(({ status, code }) => `${status} ${code}`)).toEqual(Array(4).fill('failed smtp_535'));
  expect(mail.refusedLogins - before).toBe(1);
});
