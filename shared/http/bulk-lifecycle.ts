import { z } from 'zod';
import { jobStatuses } from '../contracts/job.ts';
import { whenRight } from './field-rule.ts';
import { queryInteger, timestamp, uuid } from './fields.ts';
import { job } from './jobs.ts';
import { defineOperation } from './operation.ts';
import { pageOf, pageQuery } from './pagination.ts';

/** The end of bulk users: who is a test user, what may be cleaned up, and the cleanup. */
const tag = 'Bulk users';
const count = z.int().min(0);
const maxDays = 3650;

const taken = 'A batch that is being created or cleaned up is refused.';

export const deleteBatchOperation = defineOperation({
  id: 'deleteBatch',
  method: 'delete',
  path: '/api/bulk-users/batches/{batch_id}',
  role: 'admin',
  tag,
  summary: "Delete a batch's users from the application",
  description:
    'A job of kind `bulk-users.cleanup`. It deletes the users that the ledger recorded for the batch, and no other row ' +
    `but those that refer to them. The batch stays listed, its id stays taken, its secrets are destroyed. ${taken}`,
  params: z.strictObject({ batch_id: uuid }),
  responses: { 202: { description: 'The job', schema: job } },
  errors: ['conflict', 'batch_cleaned_up'],
});

const cleanupBody = z
  .strictObject({
    batch_id: uuid.optional().describe('One batch'),
    older_than_days: z.int().min(0).max(maxDays).optional().describe('Every batch that is older; 0 for all'),
    dry_run: z.boolean().default(false).describe('Gives the plan in the result and deletes nothing'),
    confirm: z
      .boolean()
      .default(false)
      .describe('For `older_than_days`, unless the setting `confirmation_required` is off'),
  })
  .superRefine(
    ({ batch_id, older_than_days }, context) => {
      if ((batch_id === undefined) !== (older_than_days === undefined)) return;
      const both = batch_id !== undefined;
      context.addIssue({
        code: 'custom',
        path: [both ? 'older_than_days' : 'batch_id'],
        message: both ? 'cannot be given with batch_id' : 'or older_than_days must be given',
        params: { code: both ? 'not_allowed' : 'required' },
      });
    },
    whenRight('batch_id', 'older_than_days'),
  );

export const cleanUpOperation = defineOperation({
  id: 'cleanUpBulkUsers',
  method: 'post',
  path: '/api/bulk-users/lifecycle/cleanup',
  role: 'admin',
  tag,
  summary: 'Delete the users of one batch, or of all batches older than some days',
  description:
    'A job of kind `bulk-users.cleanup`; with `dry_run` its result is the plan: counts by table, the foreign keys that ' +
    `lead to the users, and how each batch stands against the ledger. ${taken}`,
  body: cleanupBody,
  responses: { 202: { description: 'The job', schema: job } },
  errors: ['not_found', 'conflict', 'batch_cleaned_up', 'confirmation_required'],
});

export const cleanupCandidate = z
  .object({
    batch_id: uuid,
    status: z
      .enum(jobStatuses)
      .nullable()
      .describe('How the creation ended; null for users whom a sync brought'),
    total_requested: count.nullable().describe('Null for users whom a sync brought'),
    users: count.describe('Users that the ledger has of it, and that are not cleaned up'),
    created_at: timestamp.describe('When it was asked for, or when the last user came by a sync'),
    age_days: z.number(),
  })
  .meta({ id: 'CleanupCandidate' });

export const listCleanupCandidatesOperation = defineOperation({
  id: 'listCleanupCandidates',
  method: 'get',
  path: '/api/bulk-users/lifecycle/cleanup-candidates',
  role: 'viewer',
  tag,
  summary: 'Batches past retention, oldest first',
  query: z.strictObject({
    ...pageQuery,
    older_than_days: queryInteger(0, maxDays).optional().describe('Default: the setting `retention_days`'),
  }),
  responses: {
    200: {
      description: 'A page of batches that a cleanup by age would take',
      schema: pageOf(cleanupCandidate).extend({ older_than_days: z.int() }),
    },
  },
});

const sampleUser = z.object({ id: z.string(), username: z.string(), email: z.string() });

export const suspicions = [
  'batch_pattern',
  'test_domain',
  'test_name',
  'unknown_batch',
  'unrecorded',
] as const;
export type Suspicion = (typeof suspicions)[number];

export const identifyUsersOperation = defineOperation({
  id: 'identifyUsers',
  method: 'post',
  path: '/api/bulk-users/lifecycle/identify',
  role: 'viewer',
  tag,
  summary: 'Who is a test user, who is production, and who is suspect',
  description:
    'Counts all users as the markers have them, with some of each. Suspect are production users that look like test users ' +
    '(`batch_pattern`: named as a batch names its users; `test_domain`: an address in a domain reserved for tests; ' +
    '`test_name`: a name such as `testuser_7`), and test users that the ledger does not have (`unknown_batch`: their batch is ' +
    'not known; `unrecorded`: more than the ledger recorded for their batch). Cleanup touches none of these.',
  transaction: false,
  responses: {
    200: {
      description: 'The counts',
      schema: z.object({
        total_users: count,
        test_users: z.object({
          count,
          samples: z.array(sampleUser.extend({ test_batch_id: uuid.nullable() })),
        }),
        production_users: z.object({ count, samples: z.array(sampleUser) }),
        suspect_users: z.object({
          count,
          by_reason: z.record(z.enum(suspicions), count),
          samples: z.array(sampleUser.extend({ reason: z.enum(suspicions) })),
        }),
        missing_users: count.describe('Users that the ledger recorded and that are not there any more'),
        duration: z.number().describe('Seconds'),
      }),
    },
  },
});
