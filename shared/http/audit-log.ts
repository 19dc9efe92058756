import { z } from 'zod';
import { timestamp, uuid } from './fields.ts';
import { defineOperation } from './operation.ts';
import { pageOf, pageQuery } from './pagination.ts';

const text = z.string().max(200).optional();

export const deed = z
  .object({
    id: z.int(),
    at: timestamp,
    actor: z.string().describe('The name of the API key, or of the schedule or file that acted'),
    key_id: uuid
      .nullable()
      .describe('The API key, which may be deleted since; null for what acted without one'),
    action: z.string().describe('`<noun>.<verb>`, such as `bulk-users.create`'),
    subject: z
      .string()
      .nullable()
      .describe('What it was done to: the id or name of a batch, a job, a key...'),
    detail: z.record(z.string(), z.unknown()),
    request_id: z.string().nullable(),
  })
  .meta({ id: 'Deed' });

export const listDeedsOperation = defineOperation({
  id: 'listAuditLog',
  method: 'get',
  path: '/api/audit-log',
  role: 'admin',
  tag: 'Audit log',
  summary: 'Who did what to what, newest first',
  query: z.strictObject({
    ...pageQuery,
    actor: text,
    action: text.describe('Such as `bulk-users.create`'),
    subject: text.describe('Such as the id of a batch'),
  }),
  responses: { 200: { description: 'A page of deeds', schema: pageOf(deed) } },
});
