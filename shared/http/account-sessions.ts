import { z } from 'zod';
import { defaultLogin, loginSchema } from '../contracts/account-sessions.ts';
import { timestamp, uuid } from './fields.ts';
import { job } from './jobs.ts';
import { defineOperation } from './operation.ts';

const tag = 'Load-tester accounts';
const count = z.int().min(0);

/** As a request has it: both placeholders, and in a form no values that a form cannot carry. */
export const loginBody = loginSchema
  .check(context => {
    const { body, content_type } = context.value;
    const text = JSON.stringify(body);
    for (const placeholder of ['{username}', '{password}']) {
      if (text.includes(placeholder)) continue;
      context.issues.push({
        code: 'custom',
        path: ['body'],
        message: `must have ${placeholder} in one of its texts`,
        input: body,
        params: { code: 'placeholder_missing' },
      });
    }
    if (content_type === 'json') return;
    for (const [field, value] of Object.entries(body)) {
      if (typeof value !== 'object' || value === null) continue;
      context.issues.push({
        code: 'custom',
        path: ['body', field],
        message: 'must be a text or a number: a form has no objects',
        input: value,
      });
    }
  })
  .meta({ id: 'Login' });

export const bulkLoginOperation = defineOperation({
  id: 'bulkLogin',
  method: 'post',
  path: '/api/users/sessions/bulk-login',
  role: 'operator',
  tag,
  summary: 'Log accounts in at a target, and keep their sessions',
  description:
    'A job of kind `users.bulk-login`, spread over the workers. Accounts with a valid session are passed over. ' +
    'Sessions are stored encrypted, with their expiry as far as the target says it. See docs/accounts.md.',
  body: z
    .strictObject({
      batch_id: uuid.optional().describe('Default: all accounts'),
      target_url: z
        .url({ protocol: /^https?$/ })
        .max(2000)
        .optional()
        .describe('Default: the storefront'),
      login: loginBody.default(defaultLogin).describe("Default: the storefront's"),
      concurrency: z.int().min(1).max(1000).default(10).describe('Logins at once, over all workers'),
      rate_per_second: z
        .number()
        .positive()
        .max(100_000)
        .optional()
        .describe('Logins a second at most, over all workers; default: as fast as the target answers'),
      limit: z.int().min(1).optional().describe('Accounts at most, the oldest first; default: all'),
      force: z.boolean().default(false).describe('Log in again where there is a valid session'),
    })
    .prefault({}),
  responses: { 202: { description: 'The job', schema: job } },
  errors: ['target_not_allowed'],
});

const sessionsOfTarget = z
  .object({
    origin: z.string(),
    active: count,
    expired: count,
    failed: count,
    failures: z.record(z.string(), count).describe('By reason code: docs/reason-codes.md'),
    next_expiry: timestamp.nullable().describe('When the next active session runs out; null: not known'),
  })
  .meta({ id: 'SessionsOfTarget' });

export const getSessionsOperation = defineOperation({
  id: 'getAccountSessions',
  method: 'get',
  path: '/api/users/sessions',
  role: 'viewer',
  tag,
  summary: 'How many accounts are logged in, target by target',
  query: z.strictObject({ batch_id: uuid.optional() }),
  responses: {
    200: {
      description: 'The counts',
      schema: z.object({
        accounts: count.describe('Accounts there are'),
        active: count,
        expired: count,
        failed: count,
        leased: count.describe('Accounts that load tests hold'),
        targets: z.array(sessionsOfTarget),
      }),
    },
  },
});
