import { z } from 'zod';
import { instant, timestamp, uuid } from './fields.ts';
import { defineOperation } from './operation.ts';
import { pageOf, pageQuery } from './pagination.ts';

const tag = 'Load-tester accounts';
const count = z.int().min(0);

/** Users of one import at most. */
export const maxImportedUsers = 1_000_000;
/** Of one user in a body: room for what is then refused by name, such as a field of a million characters. */
export const maxImportedRowBytes = 2 * 1024 * 1024;
/** The longest custom attributes of a user, in characters of JSON. */
const maxAttributesLength = 65_536;

/** One user as an export writes it and an import takes it. */
export const transferredUser = z
  .strictObject({
    id: z.string().min(1).max(255).nullish().describe('The key on the side that it comes from'),
    username: z.string().min(1).max(255),
    email: z.string().min(1).max(255),
    role: z.string().min(1).max(50).default('user'),
    is_test_user: z.boolean().default(true),
    test_batch_id: uuid.nullish(),
    custom_attributes: z
      .record(z.string().max(1000), z.unknown())
      .refine(
        value => JSON.stringify(value).length <= maxAttributesLength,
        `must not be longer than ${maxAttributesLength} characters as JSON`,
      )
      .default({}),
    created_at: instant.optional(),
    updated_at: instant.optional(),
    password: z
      .string()
      .min(1)
      .max(1024)
      .nullish()
      .describe('In clear, in exports with credentials only; stored encrypted'),
  })
  .meta({ id: 'TransferredUser' });
export type TransferredUser = z.output<typeof transferredUser>;

/** The export document. */
export const exportDocument = z
  .strictObject({
    users: z.array(transferredUser),
    export_timestamp: timestamp.optional(),
    source_system: z.string().optional(),
    total_count: count.optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'ExportDocument' });

const importFault = z.object({
  kind: z.literal('format'),
  message: z.string(),
  index: count.describe('Of the user in what was sent, from 0; of NDJSON, the line from 0'),
  username: z.string().optional(),
  code: z.string().describe('See docs/reason-codes.md'),
  pointer: z.string().describe('RFC 6901, into the user'),
});
export type ImportFault = z.infer<typeof importFault>;

/** How many errors an answer lists; `failed_count` counts all of them. */
export const maxListedFaults = 1000;

export const importResult = z
  .object({
    success: z.boolean().describe('No user failed'),
    synced_count: count.describe('Users that are in the pool now: created, updated or unchanged'),
    failed_count: count,
    created: count,
    updated: count,
    deleted: count.describe('Always 0: an import deletes nothing'),
    unchanged: count.describe('The same already or, with `on_conflict=skip`, left as they were'),
    errors: z.array(importFault).describe(`The first ${maxListedFaults}`),
    sync_timestamp: timestamp,
    duration: z.number().describe('Seconds'),
    bytes_sent: count.describe('By the client: the body as it travelled, before any decompression'),
    bytes_received: count.describe('The same, as it came here'),
    in_sync: z
      .boolean()
      .describe(
        'Whether the pool has all users of the body as it has them: none failed and, with `on_conflict=skip`, none ' +
          'differs from the account that was left. Passwords, keys and times are not looked at',
      ),
  })
  .meta({ id: 'ImportResult' });
export type ImportResult = z.output<typeof importResult>;

export const importUsersOperation = defineOperation({
  id: 'importUsers',
  method: 'post',
  path: '/api/users/import',
  role: 'operator',
  tag,
  summary: 'Put users into the account pool',
  description:
    `An export document, or its users one a line; read as it comes, up to ${maxImportedUsers.toLocaleString('en')} users. ` +
    'A user with a fault fails alone, and so does the second of two with one username. When the body itself breaks ' +
    'off, is too large or has an unknown field after its users, the users before that stay, and the problem says how many.',
  query: z.strictObject({
    on_conflict: z
      .enum(['skip', 'overwrite'])
      .default('overwrite')
      .describe('What happens to a username that the pool has already'),
  }),
  rawBody: {
    contentTypes: ['application/json', 'application/x-ndjson'],
    description:
      'An export document, or NDJSON: a user a line. `Content-Encoding` may be gzip, deflate, br or zstd.',
    schema: exportDocument,
  },
  responses: { 200: { description: 'What became of them', schema: importResult } },
  errors: ['draining'],
  transaction: false,
});

export const account = z
  .object({
    id: uuid,
    username: z.string(),
    email: z.string(),
    role: z.string(),
    is_test_user: z.boolean(),
    test_batch_id: uuid.nullable(),
    custom_attributes: z.record(z.string(), z.unknown()),
    status: z.enum(['created', 'synced', 'leased', 'released', 'deleted']),
    has_password: z.boolean().describe('Whether it can log in'),
    source_id: z.string().nullable().describe("The user's key in the application"),
    created_at: timestamp,
    updated_at: timestamp,
    synced_at: timestamp.nullable(),
    deleted_at: timestamp.nullable(),
  })
  .meta({ id: 'Account' });

export const listAccountsOperation = defineOperation({
  id: 'listAccounts',
  method: 'get',
  path: '/api/users',
  role: 'viewer',
  tag,
  summary: 'Accounts of the pool, in the order of their arrival',
  query: z.strictObject({ batch_id: uuid.optional(), ...pageQuery }),
  responses: { 200: { description: 'A page of accounts', schema: pageOf(account) } },
});

export const getAccountOperation = defineOperation({
  id: 'getAccount',
  method: 'get',
  path: '/api/users/{id}',
  role: 'viewer',
  tag,
  summary: 'One account, deleted or not',
  params: z.strictObject({ id: uuid }),
  responses: { 200: { description: 'The account', schema: account } },
});

export const deleteAccountsOperation = defineOperation({
  id: 'deleteAccounts',
  method: 'delete',
  path: '/api/users',
  role: 'admin',
  tag,
  summary: 'Delete the accounts of a batch from the pool',
  description:
    'Their passwords and sessions go at once. That they are deleted is remembered for `sync_tombstone_days`, so that ' +
    'the next sync with the application as its target can carry it on. The application is not touched.',
  query: z.strictObject({ batch_id: uuid }),
  responses: {
    200: { description: 'How many there were', schema: z.object({ batch_id: uuid, deleted: count }) },
  },
});

export const getAccountStatsOperation = defineOperation({
  id: 'getAccountStats',
  method: 'get',
  path: '/api/users/stats',
  role: 'viewer',
  tag,
  summary: 'How many accounts there are, and the digest of all of them',
  responses: {
    200: {
      description: 'The counts',
      schema: z.object({
        total_users: count,
        by_batch: z
          .record(z.string(), count)
          .describe('The 1,000 largest batches; accounts of none are under `none`'),
        active_sessions: count,
        leased: count,
        digest: z
          .string()
          .describe('16 hex digits: equal for equal users, on this side and in the application'),
      }),
    },
  },
});
