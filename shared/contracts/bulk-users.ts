import { z } from 'zod';
import { defineQueue } from '../platform/queue/contract.ts';
import { defineJob, type Outcome } from './job.ts';
import { mayBeRefused, refusalSchema } from './refusal.ts';

/**
 * Bulk creation: one job a batch (the conductor: plans the chunks, hands them out, watches, concludes), and
 * one task a chunk, taken by whichever worker is free. What was asked and what is done are rows: the batch in
 * Muster's database; chunks and failures in the application's, so that a chunk's users and its `done` mark are
 * one transaction. A lost task is handed out again by the conductor, a lost conductor by the reconciler.
 */

/** Passwords of a batch: absent for one that all share, K for K different ones, `all` for one each. */
export const distinctPasswords = z.union([z.int().min(2).max(1_000_000), z.literal('all')]);
type DistinctPasswords = z.infer<typeof distinctPasswords>;

/** Which of a batch's passwords the user with this `{id}` has. */
export const slotOf = (distinct: DistinctPasswords | undefined, id: number): number =>
  distinct === undefined || distinct === 'all' ? id : id % distinct;

/** A batch's configuration as it is kept: every default filled in, without the password. */
export const batchConfigSchema = z.object({
  username_pattern: z.string(),
  email_domain: z.string(),
  user_role: z.string(),
  batch_size: z.int(),
  custom_attributes: z.record(z.string(), z.unknown()),
  distinct_passwords: distinctPasswords.optional(),
  creation_interval_ms: z.int(),
  on_error: z.enum(['continue', 'rollback']),
});
export type BatchConfig = z.infer<typeof batchConfigSchema>;

const bulkUsersCreateResult = z.object({
  batch_id: z.uuid(),
  total_requested: z.int(),
  successful_count: z.int(),
  failed_count: z.int(),
  /** Users that `on_error: rollback` removed again; absent when it did not. */
  rolled_back_count: z.int().optional(),
  /** Why those that `successful_count` has were not removed again; absent when all were. */
  rollback_refusal: refusalSchema.optional(),
  /** What kept the rest from being created; absent when nothing did. */
  refusal: refusalSchema.optional(),
  /** Seconds from the first chunk's plan to the last chunk's end. */
  execution_time: z.number(),
});
export type BulkUsersCreateResult = z.infer<typeof bulkUsersCreateResult>;

function outcomeOfBatch(result: BulkUsersCreateResult): Outcome {
  const { successful_count, failed_count, total_requested, refusal } = result;
  const undone = undoneOf(result);
  if (refusal !== undefined) {
    const message = undone === undefined ? refusal.message : `${refusal.message}; ${undone}`;
    return { status: 'failed', error: { code: refusal.code, message } };
  }
  if (failed_count === 0) return { status: 'succeeded' };
  if (undone !== undefined) {
    const message = `${failed_count} of ${total_requested} users failed; ${undone}`;
    return { status: 'failed', error: { code: result.rollback_refusal?.code ?? 'rolled_back', message } };
  }
  if (successful_count > 0) return { status: 'partially_succeeded' };
  const message = `None of ${total_requested} users was created: see the batch's failures`;
  return { status: 'failed', error: { code: 'no_user_created', message } };
}

/** What a rollback did, in words; undefined when there was none. */
function undoneOf(result: BulkUsersCreateResult): string | undefined {
  const { successful_count, rolled_back_count, rollback_refusal } = result;
  if (rolled_back_count === undefined) return undefined;
  if (rollback_refusal === undefined) return `the ${rolled_back_count} created were removed again`;
  return `${rolled_back_count} of those created were removed again, ${successful_count} were not: ${rollback_refusal.message}`;
}

export const bulkUsersCreate = defineJob({
  name: 'bulk-users.create',
  input: z.strictObject({ batch_id: z.uuid() }),
  output: bulkUsersCreateResult,
  outcome: outcomeOfBatch,
  // A conductor mostly waits, and goes on where the last one stopped: hence many tries, and no drain.
  options: { concurrency: 8, attempts: 12, backoffMs: 1000, keepSeconds: 86_400, drainMs: 0 },
});

export const bulkUsersChunk = defineQueue({
  name: 'bulk-users.chunk',
  payload: z.strictObject({
    batch_id: z.uuid(),
    chunk_index: z.int().min(0),
    /** The job's run: a retry hands its chunks out under new ids. */
    run: z.int().min(0),
  }),
  result: z.object({ created: z.int(), failed: z.int() }),
  jobId: ({ batch_id, chunk_index, run }) => `${batch_id}-${run}-${chunk_index}`,
  // After the last try the batch fails, unless it is for an outage: hence some 10 s of them.
  options: { concurrency: 2, attempts: 8, backoffMs: 100, keepSeconds: 3600 },
});

/** Passwords that one task hashes: about a third of a second's work of one core. */
export const hashesOfTask = 16;

/** A part of a batch's distinct passwords, hashed before the first chunk is handed out. */
export const bulkUsersHash = defineQueue({
  name: 'bulk-users.hash',
  payload: z.strictObject({
    batch_id: z.uuid(),
    /** Slots from `part * hashesOfTask` on. */
    part: z.int().min(0),
    run: z.int().min(0),
  }),
  result: z.object({ hashed: z.int(), ...mayBeRefused }),
  jobId: ({ batch_id, part, run }) => `${batch_id}-${run}-${part}`,
  options: { concurrency: 1, attempts: 5, backoffMs: 200, keepSeconds: 3600 },
});
