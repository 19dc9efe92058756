import { sql } from 'drizzle-orm';
import {
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';
import type { BatchConfig } from '../../../shared/contracts/bulk-users.ts';
import { jobs } from './jobs.ts';

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });

/** What was asked of bulk creation. How far it is stands in the job's row and in the application's ledger. */
export const bulkUserBatches = pgTable(
  'bulk_user_batches',
  {
    id: uuid('id').primaryKey(),
    jobId: uuid('job_id')
      .notNull()
      .unique()
      .references(() => jobs.id),
    totalRequested: integer('total_requested').notNull(),
    chunkSize: integer('chunk_size').notNull(),
    /** The configuration in force, without the password. */
    config: jsonb('config').$type<BatchConfig>().notNull(),
    /** The shared password, encrypted (AES-256-GCM): the load tester logs in with it. Null after cleanup. */
    sealedPassword: text('sealed_password'),
    /**
     * What distinct passwords are derived from, encrypted: 32 random bytes in base64url. Null where all users share one
     * password, and after cleanup.
     */
    sealedSecret: text('sealed_secret'),
    /** The shared password's hash, made once by the first worker that needs it. */
    passwordHash: text('password_hash'),
    /** The job's run for which the chunks stand; behind `jobs.run` after a retry. */
    plannedRun: integer('planned_run').notNull().default(-1),
    /** The last cleanup that took the batch; it has it to itself until that job ends. */
    cleanupJobId: uuid('cleanup_job_id').references(() => jobs.id),
    /** When the last of its users was gone, and its secrets with them. */
    cleanedUpAt: moment('cleaned_up_at'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  table => [
    check('bulk_user_batches_total', sql`${table.totalRequested} > 0`),
    // What is past retention, and what one cleanup took.
    index('bulk_user_batches_kept').on(table.createdAt).where(sql`${table.cleanedUpAt} is null`),
    index('bulk_user_batches_cleanup').on(table.cleanupJobId).where(sql`${table.cleanupJobId} is not null`),
  ],
);

/** The hashes of a batch's distinct passwords (`distinct_passwords: K`), made once, by whichever worker was free. */
export const bulkUserPasswordHashes = pgTable(
  'bulk_user_password_hashes',
  {
    batchId: uuid('batch_id')
      .notNull()
      .references(() => bulkUserBatches.id, { onDelete: 'cascade' }),
    /** The user's `{id}` modulo K. */
    slot: integer('slot').notNull(),
    passwordHash: text('password_hash').notNull(),
  },
  table => [primaryKey({ columns: [table.batchId, table.slot] })],
);
