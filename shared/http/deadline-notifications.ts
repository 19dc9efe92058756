import { z } from 'zod';
import { channels, deliveryStatuses, openDeliveryStatuses } from '../contracts/deadline-notifications.ts';
import { unsubscribePath } from '../contracts/notification-messages/unsubscribe.ts';
import { day, timestamp, uuid } from './fields.ts';
import { job } from './jobs.ts';
import { defineOperation } from './operation.ts';
import { pageOf, pageQuery } from './pagination.ts';

/** Deadline notifications on the wire. A run is a job of its own kind, under the same id. */
const tag = 'Deadline notifications';
const base = '/api/deadline-notifications';
const channel = z.enum(channels);
const params = z.strictObject({ id: uuid });

const startBody = z.strictObject({
  as_of: day.optional().describe('Days are counted from here; today in the time zone of the settings'),
  dry_run: z
    .boolean()
    .default(false)
    .describe('Plans the same messages, sends none, and leaves the ledger alone'),
  channels: z
    .array(channel)
    .min(1)
    .max(channels.length)
    .refine(given => new Set(given).size === given.length, 'must not name a channel twice')
    .optional()
    .describe('Those that are set up, when absent'),
  office_concurrency: z.int().min(1).max(50).optional().describe('Offices at once; 10 unless set otherwise'),
  message_concurrency: z.int().min(1).max(50).optional().describe('Messages of an office at once; 5'),
  office_ids: z.array(uuid).min(1).max(1000).optional().describe('Only these offices'),
});

export const startNotificationRunOperation = defineOperation({
  id: 'startNotificationRun',
  method: 'post',
  path: `${base}/runs`,
  role: 'operator',
  tag,
  summary: 'Tell the staff of offices of deadlines that are near',
  description:
    'Answers at once; the work is a job of kind `deadline-notifications.run`. Nobody is told of the same deadline ' +
    'twice over one channel. One run at a time, besides dry runs: another is refused with 409.',
  body: startBody,
  responses: { 202: { description: 'The job', schema: job } },
  errors: ['conflict'],
});

export const listNotificationRunsOperation = defineOperation({
  id: 'listNotificationRuns',
  method: 'get',
  path: `${base}/runs`,
  role: 'viewer',
  tag,
  summary: 'Runs, newest first',
  query: z.strictObject(pageQuery),
  responses: { 200: { description: 'A page of runs', schema: pageOf(job) } },
});

export const getNotificationRunOperation = defineOperation({
  id: 'getNotificationRun',
  method: 'get',
  path: `${base}/runs/{id}`,
  role: 'viewer',
  tag,
  summary: 'One run',
  params,
  responses: { 200: { description: 'The run', schema: job } },
});

export const delivery = z
  .object({
    id: uuid,
    run_id: uuid,
    office_id: uuid,
    staff_id: uuid,
    channel,
    status: z
      .enum(deliveryStatuses)
      .describe('`unknown`: it may have arrived, and is not sent again until it is settled'),
    code: z.string().nullable(),
    detail: z.string().nullable(),
    attempts: z.int(),
    cycle_ids: z.array(uuid).describe('The support-plan cycles that the message tells of'),
    created_at: timestamp,
    settled_at: timestamp.nullable(),
    settled_by: z.string().nullable().describe('Who settled an unknown one by hand'),
  })
  .meta({ id: 'NotificationDelivery' });

export const listDeliveriesOperation = defineOperation({
  id: 'listNotificationDeliveries',
  method: 'get',
  path: `${base}/runs/{id}/deliveries`,
  role: 'viewer',
  tag,
  summary: 'The messages of a run, or those that a dry run planned',
  params,
  query: z.strictObject({
    ...pageQuery,
    status: z.enum(deliveryStatuses).optional(),
    channel: channel.optional(),
  }),
  responses: { 200: { description: 'A page of deliveries', schema: pageOf(delivery) } },
});

export const listOpenDeliveriesOperation = defineOperation({
  id: 'listOpenNotificationDeliveries',
  method: 'get',
  path: `${base}/deliveries`,
  role: 'viewer',
  tag,
  summary: 'Messages of all runs that are not settled: unknown ones, unless others are asked for',
  query: z.strictObject({
    ...pageQuery,
    status: z.enum(openDeliveryStatuses).default('unknown'),
    channel: channel.optional(),
  }),
  responses: { 200: { description: 'A page of deliveries, oldest first', schema: pageOf(delivery) } },
});

const runFailure = z
  .object({
    office_id: uuid,
    staff_id: uuid.nullable().describe('Null when the whole office failed'),
    channel: channel.nullable(),
    code: z.string(),
    detail: z.string(),
  })
  .meta({ id: 'NotificationFailure' });

export const listRunFailuresOperation = defineOperation({
  id: 'listNotificationFailures',
  method: 'get',
  path: `${base}/runs/{id}/failures`,
  role: 'viewer',
  tag,
  summary: 'The offices and messages of a run that failed, with the reason',
  params,
  query: z.strictObject(pageQuery),
  responses: { 200: { description: 'A page of failures', schema: pageOf(runFailure) } },
});

export const previewDeliveryOperation = defineOperation({
  id: 'previewNotification',
  method: 'get',
  path: `${base}/deliveries/{id}/preview`,
  role: 'viewer',
  tag,
  summary: 'A message as it was, or would be, sent',
  description:
    'Made of the data as they are now. The link that stops e-mail is left out. 409 `conflict` when no message can be made of them.',
  params,
  responses: {
    200: {
      description: 'The message',
      schema: z.object({
        channel,
        locale: z.string(),
        subject: z.string().describe("A push message's title"),
        text: z.string(),
        html: z.string().nullable().describe('Null for a push message'),
      }),
    },
  },
  errors: ['conflict'],
});

export const settleDeliveryOperation = defineOperation({
  id: 'settleNotification',
  method: 'post',
  path: `${base}/deliveries/{id}/settle`,
  role: 'operator',
  tag,
  summary: 'Say of an unknown message whether it has arrived',
  description: 'One that has not is `failed` from then on, and the next run tells of its deadlines again.',
  params,
  body: z.strictObject({ arrived: z.boolean() }),
  responses: { 200: { description: 'The delivery', schema: delivery } },
  errors: ['conflict'],
});

export const settleRunOperation = defineOperation({
  id: 'settleNotificationRun',
  method: 'post',
  path: `${base}/runs/{id}/settle`,
  role: 'operator',
  tag,
  summary: 'Say of all unknown messages of a run whether they have arrived',
  description:
    'A worker that is lost leaves those that it was sending. For one of them: `deliveries/{id}/settle`.',
  params,
  body: z.strictObject({ arrived: z.boolean() }),
  responses: {
    200: { description: 'How many were unknown', schema: z.object({ settled: z.int() }) },
  },
});

export const getPushKeyOperation = defineOperation({
  id: 'getPushKey',
  method: 'get',
  path: `${base}/push-key`,
  role: 'viewer',
  tag,
  summary: 'The key with which browsers subscribe to push messages',
  responses: {
    200: {
      description: 'The key',
      schema: z.object({ public_key: z.string().describe('`applicationServerKey`, base64url') }),
    },
  },
});

const unsubscribeQuery = z.strictObject({ token: z.string().max(200) });
const html = { description: 'A page', contentTypes: ['text/html; charset=utf-8'] };

export const showUnsubscribeOperation = defineOperation({
  id: 'showUnsubscribe',
  method: 'get',
  path: unsubscribePath,
  role: 'open',
  tag,
  summary: 'Ask whether e-mail shall stop',
  description: 'The link in every message. It changes nothing by itself: mail scanners follow links.',
  query: unsubscribeQuery,
  responses: { 200: html },
  errors: ['not_found'],
});

export const unsubscribeOperation = defineOperation({
  id: 'unsubscribe',
  method: 'post',
  path: unsubscribePath,
  role: 'open',
  tag,
  summary: 'Stop e-mail to a staff member (RFC 8058)',
  query: unsubscribeQuery,
  rawBody: {
    contentTypes: ['application/x-www-form-urlencoded', 'multipart/form-data'],
    description: '`List-Unsubscribe=One-Click`, as mail programs send it; it is not looked at',
  },
  transaction: false,
  responses: { 200: html },
  errors: ['not_found'],
});
