import { z } from 'zod';
import { batchConfigSchema } from '../contracts/bulk-users.ts';
import { jobStatuses } from '../contracts/job.ts';
import { expand, faultOfPattern } from '../contracts/username-pattern.ts';
import { timestamp, uuid } from './fields.ts';
import { job } from './jobs.ts';
import { defineOperation } from './operation.ts';
import { pageOf, pageQuery } from './pagination.ts';

/** The longest username and address that the application's table holds. */
const maxNameLength = 255;
const tag = 'Bulk users';
const domain = /^(?=.{1,190}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;

const usernamePattern = z
  .string()
  .min(1)
  .max(maxNameLength)
  .regex(/^[^\s\p{Cc}]*$/u, 'must not have spaces or control characters')
  .check(context => {
    const fault = faultOfPattern(context.value);
    if (fault !== undefined) context.issues.push({ code: 'custom', message: fault, input: context.value });
  });

const password = z
  .string()
  .min(8)
  .max(128)
  .regex(/\p{L}/u, 'must have a letter')
  .regex(/\d/, 'must have a digit');

const customAttributes = z
  .record(z.string().min(1).max(100), z.json())
  .refine(value => JSON.stringify(value).length <= 16_384, 'must not be longer than 16 KiB as JSON');

const creationConfig = z
  .strictObject({
    username_pattern: usernamePattern.optional().describe('Default: `testuser_{id}@<email_domain>`'),
    password: password.default('TestPass123!'),
    email_domain: z.string().regex(domain, 'must be a domain name').default('example.com'),
    user_role: z.string().min(1).max(50).default('user'),
    batch_size: z
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .describe('Users in a chunk; chosen by count when absent'),
    custom_attributes: customAttributes.default({}).describe('Kept as given on each user'),
    test_batch_id: uuid.optional().describe('The id of the batch; made when absent'),
    creation_interval_ms: z.int().min(0).max(3_600_000).default(0).describe('Pause between chunks'),
    on_error: z
      .enum(['continue', 'rollback'])
      .default('continue')
      .describe('`rollback`: one failed user removes the whole batch again'),
  })
  .meta({ id: 'CreationConfig' });
export type CreationConfig = z.output<typeof creationConfig>;

/** The conductor counts a batch's chunks several times a second: more than these would cost more than the users. */
const maxChunks = 10_000;

const createBody = z
  .strictObject({
    count: z.int().min(1),
    config: creationConfig.prefault({}).describe(`At most ${maxChunks} chunks: \`count\` / \`batch_size\``),
  })
  .check(context => {
    const { count, config } = context.value;
    if (config.batch_size === undefined || count / config.batch_size <= maxChunks) return;
    const least = Math.ceil(count / maxChunks);
    context.issues.push({
      code: 'custom',
      path: ['config', 'batch_size'],
      message: `makes more than ${maxChunks} chunks of ${count} users: write ${least} or more`,
      input: config.batch_size,
      params: { code: 'limit_exceeded' },
    });
  })
  .check(context => {
    const { count, config } = context.value;
    const pattern = config.username_pattern;
    if (pattern === undefined) return;
    const longest =
      expand(pattern, count).length + (pattern.includes('@') ? 0 : config.email_domain.length + 1);
    if (longest <= maxNameLength) return;
    context.issues.push({
      code: 'custom',
      path: ['config', 'username_pattern'],
      message: `gives addresses of up to ${longest} characters, and the table holds ${maxNameLength}`,
      input: pattern,
    });
  });

export const createBulkUsersOperation = defineOperation({
  id: 'createBulkUsers',
  method: 'post',
  path: '/api/bulk-users/create',
  role: 'operator',
  tag,
  summary: 'Create test users in the application',
  description:
    'Answers at once; the work is a job of kind `bulk-users.create`, spread over all workers in chunks. ' +
    'A user that cannot be created fails alone, with a reason code.',
  body: createBody,
  responses: { 202: { description: 'The job', schema: job } },
  errors: ['batch_exists'],
});

const count = z.int().min(0);

export const batch = z
  .object({
    batch_id: uuid,
    job_id: uuid,
    status: z.enum(jobStatuses),
    total_requested: count,
    successful_count: count,
    failed_count: count,
    execution_time: z.number().describe('Seconds from the start to the end, or to now'),
    config: batchConfigSchema.describe('In force, without the password'),
    created_at: timestamp,
  })
  .meta({ id: 'Batch' });

export const batchDetail = batch
  .extend({
    chunks: z.object({ total: count, done: count, size: count }),
    withdrawn_count: count.describe('Users that were not attempted because the job ended before'),
    rolled_back_count: count.describe(
      'Users that were removed again, or not attempted, by `on_error: rollback`',
    ),
    workers: z.array(z.object({ worker: z.string(), chunks: count, users: count })),
  })
  .meta({ id: 'BatchDetail' });

const params = z.strictObject({ batch_id: uuid });

export const listBatchesOperation = defineOperation({
  id: 'listBatches',
  method: 'get',
  path: '/api/bulk-users/batches',
  role: 'viewer',
  tag,
  summary: 'Batches, newest first',
  query: z.strictObject(pageQuery),
  responses: { 200: { description: 'A page of batches', schema: pageOf(batch) } },
});

export const getBatchOperation = defineOperation({
  id: 'getBatch',
  method: 'get',
  path: '/api/bulk-users/batches/{batch_id}',
  role: 'viewer',
  tag,
  summary: 'One batch: its counts, and which worker did how much',
  params,
  responses: { 200: { description: 'The batch', schema: batchDetail } },
});

export const applicationUser = z
  .object({
    id: uuid,
    username: z.string(),
    email: z.string(),
    role: z.string(),
    is_test_user: z.boolean(),
    test_batch_id: uuid.nullable(),
    custom_attributes: z.record(z.string(), z.unknown()),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'ApplicationUser' });

export const listBatchUsersOperation = defineOperation({
  id: 'listBatchUsers',
  method: 'get',
  path: '/api/bulk-users/batches/{batch_id}/users',
  role: 'viewer',
  tag,
  summary: "A batch's users, as they stand in the application",
  params,
  query: z.strictObject(pageQuery),
  responses: { 200: { description: 'A page of users', schema: pageOf(applicationUser) } },
});

export const failure = z
  .object({
    index: z.int().describe('The `{id}` of the user'),
    username: z.string(),
    code: z.string().describe('See docs/reason-codes.md'),
    detail: z.string(),
  })
  .meta({ id: 'UserFailure' });

export const listBatchFailuresOperation = defineOperation({
  id: 'listBatchFailures',
  method: 'get',
  path: '/api/bulk-users/batches/{batch_id}/failures',
  role: 'viewer',
  tag,
  summary: 'The users of a batch that could not be created, with the reason',
  params,
  query: z.strictObject(pageQuery),
  responses: { 200: { description: 'A page of failures', schema: pageOf(failure) } },
});

export const getBulkUserStatsOperation = defineOperation({
  id: 'getBulkUserStats',
  method: 'get',
  path: '/api/bulk-users/stats',
  role: 'viewer',
  tag,
  summary: 'How many users there are, and how much is going on',
  responses: {
    200: {
      description: 'The counts',
      schema: z.object({
        total_users: count,
        test_users: count,
        production_users: count,
        created_by_bulk: count,
        total_batches: count,
        active_operations: count.describe('Jobs of bulk users that have not ended'),
      }),
    },
  },
});
