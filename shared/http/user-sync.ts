import { z } from 'zod';
import { jobStatuses } from '../contracts/job.ts';
import { snapshotName } from '../contracts/snapshots.ts';
import { conflictPolicies, syncDirections, syncResultSchema } from '../contracts/user-sync.ts';
import { whenRight } from './field-rule.ts';
import { instant, timestamp, uuid } from './fields.ts';
import { job } from './jobs.ts';
import { defineOperation } from './operation.ts';
import { pageOf, pageQuery } from './pagination.ts';

const tag = 'User sync';
const count = z.int().min(0);

/** Where another Muster answers: no user, no query, no slash at the end. */
const baseUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .max(500)
  .refine(text => !URL.canParse(text) || isBare(new URL(text)), 'must have no user, query or fragment')
  .overwrite(text => text.replace(/\/+$/, ''));

const isBare = ({ username, password, search, hash }: URL): boolean =>
  username === '' && password === '' && search === '' && hash === '';

export const syncTarget = z
  .union([
    z.literal('load_tester'),
    z.strictObject({
      type: z.literal('http'),
      base_url: baseUrl,
      api_key: z
        .string()
        .regex(/^[\x21-\x7e]{1,500}$/, 'must be 1 to 500 printable characters')
        .describe("Of the other Muster; deletions and passwords need an admin's. Stored encrypted"),
    }),
    z.strictObject({
      type: z.literal('file'),
      name: snapshotName.describe('The file is `exports/<name>.json` in the data folder; a push only'),
    }),
  ])
  .describe('The built-in pool of accounts, that of another Muster, or a file in the shape of an export');

const syncFields = z.strictObject({
  target: syncTarget,
  direction: z
    .enum(syncDirections)
    .default('push')
    .describe('`push`: from the application to the load tester; `pull`: the other way'),
  filter_criteria: z
    .strictObject({
      batch_id: uuid.optional(),
      test_users_only: z
        .boolean()
        .default(true)
        .describe('False sends production users too, never with passwords, and only in a push'),
      modified_since: instant
        .optional()
        .describe(
          'Only what was changed at this moment or later: the `sync_timestamp` of an earlier sync misses nothing between the application and the built-in pool',
        ),
    })
    .prefault({}),
  conflict_policy: z
    .enum(conflictPolicies)
    .optional()
    .describe('Whose state holds where both sides changed; the setting `sync_conflict_policy` when absent'),
  full: z
    .boolean()
    .default(false)
    .describe(
      'Forgets what was synced before: the receiver of a push or pull ends up with the sender’s users and no others',
    ),
  dry_run: z.boolean().default(false).describe('Counts what would be done, and does nothing'),
  confirm: z.boolean().default(false).describe('Lets pass more deletions than `sync_max_delete_share`'),
});
type SyncFields = z.output<typeof syncFields>;

/** Which parts exclude each other; the rules stand in this order because none speaks of what one before refuses. */
const syncRequest = syncFields
  .superRefine(
    ({ full, filter_criteria: { modified_since } }, context) => {
      if (full && modified_since !== undefined)
        refuse(context, ['full'], 'compares all users: leave modified_since out');
    },
    whenRight('full', 'filter_criteria'),
  )
  .superRefine(
    ({ direction, filter_criteria: { test_users_only } }, context) => {
      const detail = 'must be true: only test users are written to the application';
      if (!test_users_only && direction !== 'push')
        refuse(context, ['filter_criteria', 'test_users_only'], detail);
    },
    whenRight('direction', 'filter_criteria'),
  )
  .superRefine(
    ({ target, direction }, context) => {
      if (typeof target !== 'string' && target.type === 'file' && direction !== 'push')
        refuse(context, ['direction'], 'must be push: a file is only written');
    },
    whenRight('target', 'direction'),
  );
export type SyncRequest = z.output<typeof syncRequest>;

const refuse = (context: z.core.$RefinementCtx<SyncFields>, path: string[], message: string): void =>
  context.addIssue({ code: 'custom', path, message, params: { code: 'not_allowed' } });

export const syncUsersOperation = defineOperation({
  id: 'syncUsers',
  method: 'post',
  path: '/api/bulk-users/sync',
  role: 'operator',
  tag,
  summary: 'Make the load tester and the application have the same users',
  description:
    'Answers at once; the work is a job of kind `user-sync.run`. Both sides are compared by digests, and only the users ' +
    'that differ travel, in chunks over all workers. Deletions travel too: a pull or a bidirectional sync, dry runs aside, ' +
    'needs the role `admin`, for it may delete users of the application. Passwords are sent to another Muster or to a ' +
    'file only when an admin asks. The host of a peer must be in `SYNC_PEER_ALLOWLIST`.',
  body: syncRequest,
  responses: { 202: { description: 'The job', schema: job } },
  errors: ['sync_running', 'target_not_allowed'],
});

const publicTarget = z.union([
  z.object({ type: z.literal('load_tester') }),
  z.object({ type: z.literal('http'), base_url: z.string() }),
  z.object({ type: z.literal('file'), name: z.string() }),
]);

export const syncRun = z
  .object({
    id: uuid,
    job_id: uuid,
    status: z.enum(jobStatuses),
    target: publicTarget,
    direction: z.enum(syncDirections),
    filter_criteria: z.object({
      batch_id: uuid.optional(),
      test_users_only: z.boolean(),
      modified_since: z.string().optional(),
    }),
    conflict_policy: z.enum(conflictPolicies),
    full: z.boolean(),
    dry_run: z.boolean(),
    trigger: z.enum(['request', 'schedule']),
    requested_by: z.string(),
    result: syncResultSchema.nullable(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    created_at: timestamp,
    finished_at: timestamp.nullable(),
  })
  .meta({ id: 'SyncRun' });

export const listSyncRunsOperation = defineOperation({
  id: 'listSyncRuns',
  method: 'get',
  path: '/api/bulk-users/sync/runs',
  role: 'viewer',
  tag,
  summary: 'Syncs, newest first',
  query: z.strictObject(pageQuery),
  responses: { 200: { description: 'A page of syncs', schema: pageOf(syncRun) } },
});

const summary = z.object({
  total_users: count,
  digest: z.string().describe('16 hex digits over all of them'),
});

const syncStatus = z
  .object({
    in_sync: z.boolean(),
    application: summary,
    load_tester: summary,
    differing_buckets: count.describe('Of 4,096, into which users are divided by their names'),
    last_run: syncRun.nullable(),
    next_run: timestamp.nullable().describe('Null when there is no schedule: the setting `sync_enabled`'),
  })
  .meta({ id: 'SyncStatus' });

const statusOperation = {
  method: 'get',
  role: 'viewer',
  tag,
  description:
    'Of test users and the built-in pool, compared as they are now: about a second for a million users on each side.',
  query: z.strictObject({ batch_id: uuid.optional() }),
  responses: { 200: { description: 'Where both sides stand', schema: syncStatus } },
} as const;

export const getSyncStatusOperation = defineOperation({
  ...statusOperation,
  id: 'getSyncStatus',
  path: '/api/bulk-users/sync/status',
  summary: 'Whether the load tester and the application have the same users',
});

export const getPoolSyncStatusOperation = defineOperation({
  ...statusOperation,
  id: 'getPoolSyncStatus',
  path: '/api/users/sync-status',
  summary: 'The same, where a load tester is asked for it',
});

const differingUser = z.record(z.string(), z.unknown()).nullable();

export const listSyncDifferencesOperation = defineOperation({
  id: 'listSyncDifferences',
  method: 'get',
  path: '/api/bulk-users/sync/differences',
  role: 'viewer',
  tag,
  summary: 'Users who are not the same on both sides, and in what they differ',
  description:
    'Of test users and the built-in pool, compared as they are now; in no order that means anything.',
  query: z.strictObject({ batch_id: uuid.optional(), ...pageQuery }),
  responses: {
    200: {
      description: 'A page of users',
      schema: pageOf(
        z.object({
          username: z.string(),
          difference: z.enum(['only_application', 'only_load_tester', 'changed']),
          fields: z.array(z.string()).describe('In which they differ'),
          application: differingUser,
          load_tester: differingUser,
        }),
      ),
    },
  },
});
