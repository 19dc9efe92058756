import { sql } from 'drizzle-orm';
import { bigint, check, date, integer, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { jobs } from './jobs.ts';

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });

/**
 * What was asked of a dataset. Its rows, and how far they are, stand in the application's database. The row stays when
 * the dataset is deleted: a restored snapshot may bring the dataset back.
 */
export const datasets = pgTable(
  'datasets',
  {
    /** Made of the fields below (`shared/contracts/datasets.ts`): the same dataset has the same id everywhere. */
    id: uuid('id').primaryKey(),
    /** The job that generates it. */
    jobId: uuid('job_id')
      .notNull()
      .unique()
      .references(() => jobs.id),
    seed: bigint('seed', { mode: 'number' }).notNull(),
    referenceDate: date('reference_date', { mode: 'string' }).notNull(),
    offices: integer('offices').notNull(),
    staffsPerOffice: integer('staffs_per_office').notNull(),
    recipientsPerOffice: integer('recipients_per_office').notNull(),
    cyclesPerRecipient: integer('cycles_per_recipient').notNull(),
    /** Offices in a chunk: it changes nothing about the rows. */
    chunkOffices: integer('chunk_offices').notNull(),
    /** The argon2id hash of the staff's password, made once by the first worker that needs it. */
    passwordHash: text('password_hash'),
    /** The job's run for which the chunks stand; behind `jobs.run` after a retry. */
    plannedRun: integer('planned_run').notNull().default(-1),
    createdAt: moment('created_at').notNull().defaultNow(),
    /** Since when the application has none of its rows; null while it has them, or is being given them. */
    deletedAt: moment('deleted_at'),
  },
  table => [check('datasets_offices', sql`${table.offices} > 0 and ${table.chunkOffices} > 0`)],
);
