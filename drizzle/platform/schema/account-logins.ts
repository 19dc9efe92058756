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
import { jobs } from './jobs.ts';

/**
 * The chunks of a bulk login: a range of account ids each. The sessions themselves are `account_sessions`, which name
 * the job that made them, so that a chunk that is begun again passes over what was done.
 *
 *   pending ──► running ──► done          a claim raises the epoch; what an older epoch writes changes nothing
 *      └───────────┴──────► cancelled     a retry opens it again
 */
export const accountLoginChunks = pgTable(
  'account_login_chunks',
  {
    jobId: uuid('job_id')
      .notNull()
      .references(() => jobs.id, { onDelete: 'cascade' }),
    chunkIndex: integer('chunk_index').notNull(),
    /** The range, both ends included. */
    firstId: uuid('first_id').notNull(),
    lastId: uuid('last_id').notNull(),
    /** Accounts of the range that were to be logged in when the chunk was planned. */
    accounts: integer('accounts').notNull(),
    status: text('status', { enum: ['pending', 'running', 'done', 'cancelled'] })
      .notNull()
      .default('pending'),
    epoch: integer('epoch').notNull().default(0),
    /** Whose it is to log them in: one lane runs at a time, on any worker. It takes others' when its own are done. */
    lane: integer('lane').notNull(),
    /** The job's run for which the chunk stands; behind `jobs.run` after a retry. */
    run: integer('run').notNull().default(0),
    worker: text('worker'),
    loggedIn: integer('logged_in').notNull().default(0),
    /** By reason code. */
    failures: jsonb('failures').$type<Record<string, number>>().notNull().default({}),
    finishedAt: timestamp('finished_at', { withTimezone: true, precision: 3, mode: 'date' }),
  },
  table => [
    primaryKey({ columns: [table.jobId, table.chunkIndex] }),
    check('account_login_chunks_status', sql`${table.status} in ('pending', 'running', 'done', 'cancelled')`),
    index('account_login_chunks_open')
      .on(table.jobId, table.chunkIndex)
      .where(sql`${table.status} <> 'done'`),
  ],
);
