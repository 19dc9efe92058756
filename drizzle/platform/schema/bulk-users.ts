import { sql } from 'drizzle-orm';
import { check, integer, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
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
    /** The shared password, encrypted (AES-256-GCM): the load tester logs in with it. */
    sealedPassword: text('sealed_password').notNull(),
    /** Its argon2id hash, made once by the first worker that needs it. */
    passwordHash: text('password_hash'),
    /** The job's run for which the chunks stand; behind `jobs.run` after a retry. */
    plannedRun: integer('planned_run').notNull().default(-1),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  table => [check('bulk_user_batches_total', sql`${table.totalRequested} > 0`)],
);
