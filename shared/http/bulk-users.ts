import { z } from 'zod';
import { batchConfigSchema } from '../contracts/bulk-users.ts';
import { jobStatuses } from '../contracts/job.ts';
import { creationParts, maxChunks } from './creation-config.ts';
import { templateName, timestamp, uuid } from './fields.ts';
import { job } from './jobs.ts';
import { defineOperation } from './operation.ts';
import { pageOf, pageQuery } from './pagination.ts';

const tag = 'Bulk users';

/** What is wrong with the whole is said by `faultsOfCreation`, once the template is known. */
const createBody = z.strictObject({
  count: z.int().min(1).describe('At most the setting `max_bulk_users`'),
  template: templateName.default('default').describe('What `config` leaves out is taken from this template'),
  config: creationParts.prefault({}).describe(`At most ${maxChunks} chunks: \`count\` / \`batch_size\``),
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
  asWritten: 'custom_attributes',
  responses: { 202: { description: 'The job', schema: job } },
  errors: ['batch_exists'],
});

const count = z.int().min(0);

export const batch = z
  .object({
    batch_id: uuid,
    job_id: uuid,
    status: z.enum([...jobStatuses, 'cleaned_up']).describe('Of the creation, until cleanup is done'),
    total_requested: count,
    successful_count: count.describe('Users that were created, those included who were deleted since'),
    failed_count: count,
    execution_time: z.number().describe('Seconds from the start to the end, or to now'),
    config: batchConfigSchema.describe('In force, without the password'),
    created_at: timestamp,
    cleaned_up_at: timestamp.nullable().describe('When the last of its users was deleted'),
    cleaned_count: count.describe(
      'Of them, those whom cleanup deleted; not those whom a sync or the application did',
    ),
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
    id: z.string().describe('The primary key, as text; a UUID in the storefront'),
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
        active_operations: count.describe('Jobs of users that have not ended: bulk users, sync, bulk login'),
        open_jobs: count.describe('Jobs of every kind that have not ended'),
      }),
    },
  },
});
