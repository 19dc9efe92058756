import { createTransport } from 'nodemailer';
import webpush from 'web-push';
import { catcherSubscription, caughtMessages } from '../../../shared/http/mail-catcher.ts';
import { type MailCatcher, startMailCatcher } from './catcher.ts';

let catcher: MailCatcher;
beforeAll(async () => {
  catcher = await startMailCatcher();
});
afterAll(() => catcher.stop());

const read = async (path: string): Promise<unknown> => (await fetch(catcher.httpUrl + path)).json();
const newest = async () => caughtMessages.parse(await read('/messages')).items[0];

describe('the mail catcher', () => {
  it('shows an e-mail with its subject as it was written', async () => {
    const subject =
      '【期限のお知らせ】さくら生活介護センター3: 個別支援計画の更新 55件, and "some" = plain_words';
    const transport = createTransport(catcher.smtpUrl);
    await transport.sendMail({ from: 'a@staff.test', to: 'b@staff.test', subject, text: 'x' });
    transport.close();
    expect(await newest()).toMatchObject({
      kind: 'email',
      from: 'a@staff.test',
      to: 'b@staff.test',
      subject,
    });
  });

  it('opens the pushes to its subscription, and takes no others', async () => {
    const { endpoint, keys } = catcherSubscription.parse(await read('/subscription'));
    const sealed = webpush.encrypt(keys.p256dh, keys.auth, JSON.stringify({ title: '期限' }), 'aes128gcm');
    const post = (body: Uint8Array) => fetch(endpoint, { method: 'POST', body: new Uint8Array(body) });
    expect((await post(sealed.cipherText)).status).toBe(201);
    expect(await newest()).toMatchObject({ kind: 'push', subject: '期限', body: '{"title":"期限"}' });
    expect((await post(sealed.cipherText.subarray(1))).status).toBe(400);
  });
});
