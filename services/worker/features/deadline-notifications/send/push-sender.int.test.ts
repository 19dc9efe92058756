import getPort from 'get-port';
import { newId } from '../../../../../shared/kernel/ids.ts';
import { pushSink } from '../../../../../test/fixtures/push-sink.ts';
import { testNotifications } from '../../../../../test/fixtures/worker.ts';
import { createUnpacker } from '../plan/deadlines.ts';
import type { Message, OfficeMessages } from '../plan/plan-office.ts';
import { createPushSender } from './push-sender.ts';

const push = pushSink();
const asOf = '2026-04-01';
const alerts = { cycles: `${newId()}2026-04-02`, names: '佐藤 花子' };
const office: OfficeMessages = { officeId: 'o', officeName: 'あおぞら', locale: 'ja', messages: [] };

const browser = (endpoint: string, keys = push.keys) => ({ id: endpoint, endpoint, ...keys });

const send = (...subscriptions: Message['subscriptions']) => sendUnder({}, ...subscriptions);

async function sendUnder(settings: Record<string, string>, ...subscriptions: Message['subscriptions']) {
  const sender = createPushSender(testNotifications(settings), 2);
  const staff = { id: 's', email: 's@staff.test', name: '山田 太郎', thresholds: {} };
  const message: Message = { id: 'm', staff, channel: 'push', alerts, subscriptions, attempts: 0 };
  return sender
    .send(message, office, createUnpacker(office, asOf)(alerts), asOf)
    .finally(() => sender.close());
}

describe('one try to push a message', () => {
  it('may be repeated when no push service is reached, whatever keeps it', async () => {
    const closed = await getPort({ host: '127.0.0.1' });
    const unreachable = [
      `http://127.0.0.1:${closed}/p`,
      `http://localhost:${closed}/p`, // of more than one address
      'http://nowhere.invalid/p',
      push.url.replace('http:', 'https:'), // speaks no TLS
    ];
    for (const endpoint of unreachable)
      expect(await send(browser(endpoint))).toMatchObject({ status: 'pending', code: 'push_unreachable' });
  });

  it('fails for good on an endpoint or keys that are none', async () => {
    const bad = [
      browser('nowhere'),
      browser('ftp://127.0.0.1/p'),
      browser(`${push.url}/p`, { ...push.keys, p256dh: 'AAAA' }),
    ];
    for (const subscription of bad)
      expect(await send(subscription)).toMatchObject({ status: 'failed', code: 'invalid_subscription' });
    expect(push.taken).toEqual([]);
  });

  it('fails for good on an address that is neither public nor listed, and sends nothing there', async () => {
    const { port } = new URL(push.url);
    const inner = [
      `${push.url}/p`,
      `https://127.0.0.1:${port}/p`,
      `https://localhost:${port}/p`, // a name is asked for its addresses first
      `https://[::ffff:127.0.0.1]:${port}/p`,
      `https://2130706433:${port}/p`,
      'https://169.254.169.254/latest/meta-data',
      'https://10.0.0.1/p',
      'http://8.8.8.8/p', // public, but in clear
    ];
    const connections = push.connections;
    for (const endpoint of inner) {
      const result = await sendUnder({ PUSH_ALLOWLIST: 'push.example.com' }, browser(endpoint));
      expect({ endpoint, ...result }).toMatchObject({ status: 'failed', code: 'push_not_allowed' });
    }
    expect(push.connections).toBe(connections);
  });

  it('reaches a listed origin, and no other port of its host', async () => {
    const listed = { PUSH_ALLOWLIST: push.url };
    expect(await sendUnder(listed, browser(`${push.url}/p`))).toMatchObject({ status: 'sent' });
    const other = browser(`http://127.0.0.1:${await getPort({ host: '127.0.0.1' })}/p`);
    expect(await sendUnder(listed, other)).toMatchObject({ status: 'failed', code: 'push_not_allowed' });
  });

  it('leaves the browser that was busy for another try, though one has taken it', async () => {
    push.behave = path => (path === '/busy' ? 503 : 201);
    const [fine, busy] = [browser(`${push.url}/fine`), browser(`${push.url}/busy`)];
    expect(await send(fine, busy)).toMatchObject({ status: 'sent', left: [busy] });
  });
});
