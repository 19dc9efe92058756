import { z } from 'zod';
import { defineQueue } from '../platform/queue/contract.ts';
import { defineJob, type Outcome } from './job.ts';

/**
 * Cleanup of bulk users: by batch, or of every batch older than some days. The job takes its batches first (no other
 * cleanup and no retry of the creation has them until it ends), compares them with the ledger, then deletes chunk by
 * chunk: the users whose keys the ledger has, what refers to them, and the chunk's mark are one transaction. So it goes
 * on where one that died stopped, and nothing is deleted or counted twice. Users whom a sync brought are in the ledger
 * alone (`shared/store/bulk-users/pulled-batches.ts`): nobody takes their batch, each chunk goes once.
 */
const cleanupInput = z.union([
  z.strictObject({ batch_id: z.uuid(), dry_run: z.boolean() }),
  z.strictObject({ older_than_days: z.int().min(0), dry_run: z.boolean() }),
]);
export type CleanupInput = z.infer<typeof cleanupInput>;

const count = z.int().min(0);

/** How a batch stands in the users table, against what the ledger recorded of it. */
const comparisonSchema = z.object({
  /** Users that the ledger recorded and that cleanup has not removed. */
  recorded: count,
  /** Recorded users that are there as they were made. */
  present: count,
  /** Recorded users that the application has deleted. */
  gone: count,
  /** Recorded users whose rows are no longer test users of this batch. Cleanup never touches them. */
  altered: count,
  /** Test users with the batch's id that the ledger does not know. Cleanup never touches them. */
  unrecorded: count,
});
export type Comparison = z.infer<typeof comparisonSchema>;

const cleanedBatch = z.object({
  batch_id: z.uuid(),
  status: z.enum(['planned', 'cleaned_up', 'partially_cleaned_up', 'refused', 'not_started']),
  comparison: comparisonSchema,
  /** Users of the batch that cleanup removed, in this job or in one before it; of users whom a sync brought, in this job. */
  deleted: count,
  /** Why a batch was refused, in whole or in part. */
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});
export type CleanedBatch = z.infer<typeof cleanedBatch>;

/** A foreign key that leads to the users, directly or through other tables, and what cleanup does about it. */
const touchedForeignKey = z.object({
  name: z.string(),
  table: z.string(),
  references: z.string(),
  on_delete: z.enum(['no action', 'restrict', 'cascade', 'set null', 'set default']),
  /**
   * `delete`: its rows go first. `none`: Muster may not delete there, and a row refuses the deletion. `cascade`: Muster may
   * not, the database would, and cleanup refuses to start. The other two are the database's own doing.
   */
  action: z.enum(['delete', 'none', 'cascade', 'set null', 'set default']),
  /** Whether an index serves it; without one the whole table is read for every chunk. */
  indexed: z.boolean(),
  /** Rows that refer to users of the batches; counted in dry runs only. */
  rows: count.optional(),
});
export type TouchedForeignKey = z.infer<typeof touchedForeignKey>;

const bulkUsersCleanupResult = z.object({
  dry_run: z.boolean(),
  /** Users that were removed, or would be. */
  deleted_count: count,
  /** Rows that were removed, or would be, by table. */
  tables: z.record(z.string(), count),
  foreign_keys: z.array(touchedForeignKey),
  batch_count: count,
  /** The first 1,000 of them, oldest first. */
  batches: z.array(cleanedBatch),
  cleaned_up_count: count,
  refused_count: count,
  /** Seconds. */
  duration: z.number(),
});
export type BulkUsersCleanupResult = z.infer<typeof bulkUsersCleanupResult>;

function outcomeOfCleanup({
  dry_run,
  batches,
  deleted_count,
  refused_count,
}: BulkUsersCleanupResult): Outcome {
  if (dry_run || refused_count === 0) return { status: 'succeeded' };
  if (deleted_count > 0) return { status: 'partially_succeeded' };
  const error = batches.find(batch => batch.error !== undefined)?.error;
  return {
    status: 'failed',
    error: error ?? { code: 'ledger_mismatch', message: 'Every batch was refused' },
  };
}

export const bulkUsersCleanup = defineJob({
  name: 'bulk-users.cleanup',
  input: cleanupInput,
  output: bulkUsersCleanupResult,
  outcome: outcomeOfCleanup,
  retryRole: 'admin',
  options: { concurrency: 2, attempts: 12, backoffMs: 1000, keepSeconds: 86_400, drainMs: 2000 },
});

/** Comes every night; whether it cleans anything up, the settings of that moment say. */
export const bulkUsersRetention = defineQueue({
  name: 'bulk-users.retention',
  payload: z.strictObject({}),
  result: z.object({ job_id: z.uuid().nullable() }),
  jobId: () => 'by-hand',
  options: { concurrency: 1, attempts: 5, backoffMs: 1000, keepSeconds: 86_400 },
});
