import { createHash } from 'node:crypto';
import { Agent, request } from 'undici';
import webpush from 'web-push';
import { renderPush } from '../../../../../shared/contracts/notification-messages/push.ts';
import { messageOf, systemCodeOf } from '../../../../../shared/kernel/errors.ts';
import { TargetNotAllowedError } from '../../../../../shared/platform/target/network-errors.ts';
import type { PushSubscription } from '../../../../../shared/store/deadline-notifications/notification-reading.ts';
import type { NotificationSettings } from '../deps.ts';
import type { Deadlines } from '../plan/deadlines.ts';
import type { Message, OfficeMessages } from '../plan/plan-office.ts';
import { createPushConnector } from './push-connector.ts';
import type { SendResult } from './result.ts';
import { createVapidTokens } from './vapid-tokens.ts';

export interface PushSender {
  send(message: Message, office: OfficeMessages, deadlines: Deadlines, asOf: string): Promise<SendResult>;
  close(): Promise<void>;
}

/** How long a push service keeps a message for a browser that is away, in seconds: deadlines are days off. */
const ttlSeconds = 3 * 86_400;
const longestRetryMs = 60_000;

/** Sends web push (RFC 8030) with an encrypted payload (RFC 8291), to every browser of a staff member. */
export function createPushSender(settings: NotificationSettings, connections: number): PushSender {
  const { vapid, timeoutMs, pushAllowlist } = settings;
  const tokens = createVapidTokens(vapid);
  const agent = new Agent({
    connections,
    connect: createPushConnector(pushAllowlist, timeoutMs),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });

  /** Undefined for a subscription that no message can be addressed to. */
  function prepare({ endpoint, p256dh, auth }: PushSubscription, payload: string) {
    try {
      const url = new URL(endpoint);
      if (!['https:', 'http:'].includes(url.protocol)) return undefined;
      return { url, body: webpush.encrypt(p256dh, auth, payload, 'aes128gcm').cipherText };
    } catch {
      return undefined;
    }
  }

  async function post(subscription: PushSubscription, payload: string, topic: string): Promise<SendResult> {
    const prepared = prepare(subscription, payload);
    if (prepared === undefined) return notAddressable;
    const { url, body } = prepared;
    try {
      const answer = await request(url, {
        dispatcher: agent,
        method: 'POST',
        body,
        headers: {
          authorization: tokens.authorizationFor(url.origin),
          'content-type': 'application/octet-stream',
          'content-encoding': 'aes128gcm',
          ttl: String(ttlSeconds),
          topic,
          urgency: 'normal',
        },
      });
      await answer.body.dump();
      return judge(answer.statusCode, answer.headers['retry-after']);
    } catch (error) {
      return explain(error);
    }
  }

  return {
    async send(message, office, { alerts }, asOf) {
      const content = { ...office, staffName: message.staff.name, asOf, alerts };
      const payload = JSON.stringify(renderPush(content));
      const results: SendResult[] = [];
      for (const subscription of message.subscriptions)
        results.push(await post(subscription, payload, topicOf(message, office)));
      return combine(message.subscriptions, results);
    },
    close: () => agent.close(),
  };
}

/** A newer message about an office takes the place of one that no browser has fetched yet. 32 characters at most. */
const topicOf = ({ staff }: Message, { officeId }: OfficeMessages): string =>
  createHash('sha256').update(`${officeId}/${staff.id}`).digest('base64url').slice(0, 32);

function judge(status: number, retryAfter: string | string[] | undefined): SendResult {
  const code = `push_${status}`;
  if (status >= 200 && status < 300) return { status: 'sent' };
  if (status === 404 || status === 410)
    return { status: 'failed', code, detail: 'The subscription is gone and was removed', gone: [] };
  if (status !== 429 && status < 500)
    return { status: 'failed', code, detail: 'The push service refused it' };
  const seconds = Number(retryAfter);
  return {
    status: 'pending',
    code,
    detail: 'The push service asks for patience',
    ...(seconds > 0 ? { retryAfterMs: Math.min(seconds * 1000, longestRetryMs) } : {}),
  };
}

const notAddressable: SendResult = {
  status: 'failed',
  code: 'invalid_subscription',
  detail: 'The endpoint of the subscription is not a web address, or its keys are none',
};

const notAllowed = ({ message }: TargetNotAllowedError): SendResult => ({
  status: 'failed',
  code: 'push_not_allowed',
  detail: `Pushes go to public addresses over https, and to what PUSH_ALLOWLIST lists: ${message}`,
});

/** Errors of a connection that was never made: names, routes, time, certificates. Later the message may have been taken. */
const beforeRequest =
  /^(ECONNREFUSED|ENOTFOUND|EAI_|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

function explain(error: unknown): SendResult {
  if (error instanceof TargetNotAllowedError) return notAllowed(error);
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error; // of one address after the other
  const detail = messageOf(first).slice(0, 500);
  const isConnecting = first instanceof Error && 'syscall' in first && first.syscall === 'connect';
  if (isConnecting || beforeRequest.test(systemCodeOf(first) ?? ''))
    return { status: 'pending', code: 'push_unreachable', detail };
  return { status: 'unknown', code: 'push_no_answer', detail };
}

/** One browser that took it is enough for `sent`. Those that asked for patience are left for another try in any case. */
function combine(subscriptions: readonly PushSubscription[], results: readonly SendResult[]): SendResult {
  const gone = subscriptions.filter((_, index) => results[index]?.gone !== undefined).map(({ id }) => id);
  const left = subscriptions.filter((_, index) => results[index]?.status === 'pending');
  const order = ['sent', 'unknown', 'pending', 'failed'] as const;
  const best = order.flatMap(status => results.find(result => result.status === status) ?? [])[0];
  if (best === undefined)
    return { status: 'failed', code: 'no_subscription', detail: 'No browser is subscribed' };
  const retryAfterMs = Math.max(0, ...results.map(result => result.retryAfterMs ?? 0));
  return { ...best, gone, left, retryAfterMs };
}
