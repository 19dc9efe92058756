import type { Channel } from '../../../../shared/contracts/deadline-notifications.ts';
import type { PushAllowlist } from '../../../../shared/kernel/push-allowlist.ts';
import type { VapidKeys } from '../../../../shared/platform/notification-keys.ts';
import type { Database } from '../../../../shared/platform/postgres/db.ts';
import type { QueueClient } from '../../../../shared/platform/queue/client.ts';
import type { JobRunnerDeps } from '../../job-runner.ts';

export interface NotificationSettings {
  /** `smtp://` or `smtps://`, with user and password; undefined where nobody set a mail server. */
  smtpUrl: string | undefined;
  /** The sender: `Name <address>`. */
  mailFrom: string;
  /** The API as staff members reach it: the start of links. */
  publicUrl: string;
  /** Signs the links. */
  keyHex: string;
  vapid: VapidKeys & { subject: string };
  /** Messages a second over all workers; a channel that is absent has no limit. */
  perSecond: Partial<Record<Channel, number>>;
  /** Tries of one message in one run, the first included. */
  attempts: number;
  /** The pause before the second try, in milliseconds; doubles with each further one. */
  retryMs: number;
  /** How long a mail server or push service may stay silent, in milliseconds. */
  timeoutMs: number;
  /** Where pushes may go. */
  pushAllowlist: PushAllowlist;
  /** The default of runs that the schedule starts. */
  run: { officeConcurrency: number; messageConcurrency: number; timeZone: string };
}

export interface NotificationDeps extends JobRunnerDeps {
  /** Has the offices, and the ledger beside them. */
  applicationDatabase: Database;
  queue: QueueClient;
  notifications: NotificationSettings;
}
