import type { PushSubscription } from '../../../../../shared/store/deadline-notifications/notification-reading.ts';

/**
 * What came of one try to send.
 *
 *   sent      the server took it
 *   failed    refused for good, or not addressable: certain that nothing arrived
 *   pending   refused for now, or never reached: another try may follow
 *   unknown   handed over, and the connection was lost before the answer: it may have arrived
 */
export interface SendResult {
  status: 'sent' | 'failed' | 'pending' | 'unknown';
  code?: string;
  detail?: string;
  /** Not before this many milliseconds, where the server said so. */
  retryAfterMs?: number;
  /** Push subscriptions that are gone for good. */
  gone?: string[];
  /** Where another try has still to go: browsers, while another one of the same person may have taken it. */
  left?: readonly PushSubscription[];
}
