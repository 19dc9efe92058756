import webpush from 'web-push';
import type { VapidKeys } from '../../../../../shared/platform/notification-keys.ts';

/** Push services take tokens of up to 24 hours (RFC 8292, section 2). */
const validForMs = 12 * 3_600_000;
const renewBeforeMs = 3_600_000;

/** The `Authorization` of pushes: one signature an origin and half a day, where the library makes one a message. */
export function createVapidTokens({ subject, publicKey, privateKey }: VapidKeys & { subject: string }) {
  const byOrigin = new Map<string, { authorization: string; renewAt: number }>();
  return {
    authorizationFor(origin: string): string {
      const now = Date.now();
      const kept = byOrigin.get(origin);
      if (kept !== undefined && now < kept.renewAt) return kept.authorization;
      const expiresAt = Math.floor((now + validForMs) / 1000);
      const { Authorization } = webpush.getVapidHeaders(
        origin,
        subject,
        publicKey,
        privateKey,
        'aes128gcm',
        expiresAt,
      );
      byOrigin.set(origin, { authorization: Authorization, renewAt: now + validForMs - renewBeforeMs });
      return Authorization;
    },
  };
}
