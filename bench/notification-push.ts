import webpush from 'web-push';
import { createVapidTokens } from '../services/worker/features/deadline-notifications/send/vapid-tokens.ts';

/** The signing of pushes next to the library's own. */
export function benchPush(count: number): void {
  const { publicKey, privateKey } = webpush.generateVAPIDKeys();
  const subject = 'mailto:muster@muster.test';
  const tokens = createVapidTokens({ subject, publicKey, privateKey });
  const origin = 'https://push.example.com';
  const microseconds = (work: () => void): number => {
    for (let index = 0; index < 100; index++) work();
    const startedAt = performance.now();
    for (let index = 0; index < count; index++) work();
    return ((performance.now() - startedAt) * 1000) / count;
  };
  const plain = microseconds(() =>
    webpush.getVapidHeaders(origin, subject, publicKey, privateKey, 'aes128gcm'),
  );
  const cached = microseconds(() => tokens.authorizationFor(origin));
  const keys = { p256dh: publicKey, auth: Buffer.alloc(16).toString('base64url') };
  const subscription = { endpoint: `${origin}/x`, keys };
  const vapidDetails = { subject, publicKey, privateKey };
  const wholePlain = microseconds(() =>
    webpush.generateRequestDetails(subscription, 'x'.repeat(300), { vapidDetails }),
  );
  const whole = microseconds(() => {
    tokens.authorizationFor(origin);
    webpush.encrypt(keys.p256dh, keys.auth, 'x'.repeat(300), 'aes128gcm');
  });
  console.log(
    `Push: signing ${plain.toFixed(1)} us a message by the library, ${cached.toFixed(2)} us with a token an origin: ${Math.round(plain / cached)} x faster`,
  );
  console.log(
    `      with encryption ${wholePlain.toFixed(1)} us and ${whole.toFixed(1)} us: ${(wholePlain / whole).toFixed(2)} x faster`,
  );
}
