import { sql } from 'drizzle-orm';
import {
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });

/**
 * Muster's ledger in the application's database, in a schema of its own: what Muster did here. It stands here
 * and not in Muster's database because a chunk's users and its `done` mark must be one transaction
 * (`docs/decisions/003-ledger-beside-the-users.md`).
 */
export const muster = pgSchema('muster');

/**
 *   pending ──► running ──► done ──► rolled_back
 *      └───────────┴──► cancelled           (a retry puts cancelled and rolled_back back to pending)
 *   done, cancelled ──► cleaned             (cleanup removed its users; for good)
 *   cancelled ────────► rolled_back         (withdrawn by a rollback)
 *
 * A chunk that cannot be done, whatever is tried, is cancelled with the `refusal` that says why; so is then the rest.
 *
 * `epoch` goes up whenever a worker claims a chunk and whenever the conductor withdraws it: an effect is only
 * written under the epoch that was claimed, so a stale worker changes nothing.
 */
export const bulkChunks = muster.table(
  'bulk_chunks',
  {
    batchId: uuid('batch_id').notNull(),
    chunkIndex: integer('chunk_index').notNull(),
    firstId: integer('first_id').notNull(),
    size: integer('size').notNull(),
    status: text('status').notNull().default('pending'),
    epoch: integer('epoch').notNull().default(0),
    worker: text('worker'),
    createdCount: integer('created_count').notNull().default(0),
    failedCount: integer('failed_count').notNull().default(0),
    /**
     * The primary keys, as text, of the users that the chunk made: with the batch's id, all that may ever be deleted for
     * it. Empty once they are gone. Kept out of line and uncompressed (`storage external`): counting the chunks reads
     * none of it, and writing it costs next to nothing.
     */
    userKeys: text('user_keys').array().notNull().default(sql`'{}'`),
    /** Rows that cleanup or rollback deleted with the chunk, by table: `{"users": 100, "sessions": 7}`. Null until then. */
    cleanedRows: jsonb('cleaned_rows').$type<Record<string, number>>(),
    /** Users among those created whom somebody else had deleted before cleanup or rollback came. */
    goneCount: integer('gone_count').notNull().default(0),
    /** Why no worker can do the chunk: a guard's refusal, for one. Null in all others. */
    refusal: jsonb('refusal').$type<{ code: string; message: string }>(),
    startedAt: moment('started_at'),
    finishedAt: moment('finished_at'),
  },
  table => [
    primaryKey({ columns: [table.batchId, table.chunkIndex] }),
    check(
      'bulk_chunks_status',
      sql`${table.status} in ('pending', 'running', 'done', 'cancelled', 'rolled_back', 'cleaned')`,
    ),
    check('bulk_chunks_counts', sql`${table.createdCount} + ${table.failedCount} <= ${table.size}`),
  ],
);

/** A user that could not be created: its `{id}`, its name, and a reason code (docs/reason-codes.md). */
export const bulkFailures = muster.table(
  'bulk_failures',
  {
    batchId: uuid('batch_id').notNull(),
    index: integer('index').notNull(),
    chunkIndex: integer('chunk_index').notNull(),
    username: text('username').notNull(),
    code: text('code').notNull(),
    detail: text('detail').notNull(),
  },
  table => [
    primaryKey({ columns: [table.batchId, table.index] }),
    index('bulk_failures_chunk').on(table.batchId, table.chunkIndex),
    foreignKey({
      columns: [table.batchId, table.chunkIndex],
      foreignColumns: [bulkChunks.batchId, bulkChunks.chunkIndex],
    }).onDelete('cascade'),
  ],
);
