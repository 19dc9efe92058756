import { z } from 'zod';
import { timestamp } from './fields.ts';
import { defineOperation } from './operation.ts';

/** What the local stack's mail catcher took, newest first. It exists in development only. */
export const caughtMessages = z.object({
  items: z.array(
    z.object({
      kind: z.enum(['email', 'push']),
      received_at: timestamp,
      from: z.string().nullable(),
      to: z.string().describe('An address, or the path of a push endpoint'),
      subject: z.string().nullable(),
      body: z.string().describe('The whole e-mail as it came, or the decrypted payload of a push message'),
    }),
  ),
});

export const listCaughtMessagesOperation = defineOperation({
  id: 'listCaughtMessages',
  method: 'get',
  path: '/api/development/messages',
  role: 'viewer',
  tag: 'Development',
  summary: 'E-mail and push messages that the mail catcher took',
  responses: { 200: { description: 'The messages, newest first', schema: caughtMessages } },
});

export const catcherSubscription = z.object({
  endpoint: z.url(),
  keys: z.object({ p256dh: z.string(), auth: z.string() }),
});

export const getCatcherSubscriptionOperation = defineOperation({
  id: 'getCatcherSubscription',
  method: 'get',
  path: '/api/development/push-subscription',
  role: 'viewer',
  tag: 'Development',
  summary: "A push subscription of the mail catcher's own, to put into push_subscriptions",
  responses: { 200: { description: 'As a browser gives it', schema: catcherSubscription } },
});
