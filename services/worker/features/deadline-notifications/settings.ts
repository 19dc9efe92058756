import { parsePushAllowlist } from '../../../../shared/kernel/push-allowlist.ts';
import { type Config, required } from '../../../../shared/platform/config.ts';
import { vapidKeysOf } from '../../../../shared/platform/notification-keys.ts';
import type { NotificationSettings } from './deps.ts';

/** What deadline notifications take from the environment. */
export function notificationSettings(config: Config): NotificationSettings {
  const keyHex = required(config, 'MUSTER_ENCRYPTION_KEY');
  return {
    smtpUrl: config.SMTP_URL,
    mailFrom: config.MAIL_FROM,
    publicUrl: config.PUBLIC_URL ?? `http://127.0.0.1:${config.PORT}`,
    keyHex,
    vapid: { ...vapidKeysOf(config, keyHex), subject: config.VAPID_SUBJECT },
    perSecond: {
      ...(config.EMAILS_PER_SECOND !== undefined && { email: config.EMAILS_PER_SECOND }),
      ...(config.PUSHES_PER_SECOND !== undefined && { push: config.PUSHES_PER_SECOND }),
    },
    attempts: config.NOTIFICATION_ATTEMPTS,
    retryMs: config.NOTIFICATION_RETRY_MS,
    timeoutMs: config.NOTIFICATION_TIMEOUT_MS,
    pushAllowlist: parsePushAllowlist(config.PUSH_ALLOWLIST).allowlist,
    run: {
      officeConcurrency: config.NOTIFICATION_OFFICE_CONCURRENCY,
      messageConcurrency: config.NOTIFICATION_MESSAGE_CONCURRENCY,
      timeZone: config.NOTIFICATION_TIME_ZONE,
    },
  };
}
