import { createHash } from 'node:crypto';
import { Agent, request } from 'undici';
import webpush from 'web-push';
import { renderPush } from '../../../../shared/contracts/notification-messages/push.ts';
import { messageOf, systemCodeOf } from '../../../../shared/kernel/errors.ts';
import type { PushSubscription } from '../../../../shared/store/notification-reading.ts';
import type { NotificationSettings } from './deps.ts';
import type { Message, OfficeMessages } from './plan-office.ts';
import type { SendResult } from './result.ts';
import { createVapidTokens } from './vapid-tokens.ts';

export interface PushSender {
  send(message: Message, office: OfficeMessages, asOf: string): Promise<SendResult>;
  close(): Promise<void>;
}

/** How long a push service keeps a message for a browser that is away, in seconds: deadlines are days off. */
const ttlSeconds = 3 * 86_400;
const longestRetryMs = 60_000;

/** Sends web push (RFC 8030) with an encrypted payload (RFC 8291), to every browser of a staff member. */
export function createPushSender(settings: NotificationSettings, connections: number): PushSender {
  const { vapid, timeoutMs, allowHttpPush } = settings;
  const tokens = createVapidTokens(vapid);
  const agent = new Agent({
    connections,
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });

  async function post(subscription: PushSubscription, payload: string, topic: string): Promise<SendResult> {
    const { endpoint, p256dh, auth } = subscription;
    try {
      const url = new URL(endpoint);
      if (url.protocol !== 'https:' && !allowHttpPush)
        return { status: 'failed', code: 'push_not_https', detail: 'A push endpoint must be https' };
      const body = webpush.encrypt(p256dh, auth, payload, 'aes128gcm').cipherText;
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
    async send(message, office, asOf) {
      const content = { ...office, staffName: message.staff.name, asOf, alerts: message.alerts };
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

/** Errors before the request was on its way; after that the message may have been taken. */
const beforeRequest = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);
const afterRequest = new Set([
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ECONNRESET',
  'EPIPE',
]);

function explain(error: unknown): SendResult {
  const code = systemCodeOf(error) ?? '';
  const detail = messageOf(error).slice(0, 500);
  if (afterRequest.has(code)) return { status: 'unknown', code: 'push_no_answer', detail };
  if (beforeRequest.has(code)) return { status: 'pending', code: 'push_unreachable', detail };
  return { status: 'failed', code: 'invalid_subscription', detail };
}

/** One browser that took it is enough for `sent`; where none did, those that asked for patience are tried again alone. */
function combine(subscriptions: readonly PushSubscription[], results: readonly SendResult[]): SendResult {
  const gone = subscriptions.filter((_, index) => results[index]?.gone !== undefined).map(({ id }) => id);
  const left = subscriptions.filter((_, index) => results[index]?.status === 'pending');
  const order = ['sent', 'unknown', 'pending', 'failed'] as const;
  const best = order.flatMap(status => results.find(result => result.status === status) ?? [])[0];
  if (best === undefined)
    return { status: 'failed', code: 'no_subscription', detail: 'No browser is subscribed' };
  return { ...best, gone, left };
}
