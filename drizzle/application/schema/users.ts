import { sql } from 'drizzle-orm';
import {
  boolean,
  check,
  customType,
  index,
  jsonb,
  pgTable,
  text,
  timestamp,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core';

const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });

/**
 * The application's users. A row is a production user unless it says otherwise: the three marker columns
 * default to that, and `users_test_markers` keeps a row from being half a test user.
 *
 * Both marker indexes are partial: the application's own sign-ups, which have no markers, pay for neither,
 * and the indexes are as small as the test users are few. They still serve their queries: `test_batch_id = $1`
 * implies `is not null`, and `where is_test_user` (written so, or `= true`, never `= $1`) is the other
 * predicate itself, also when row-level security adds it. Nothing looks production users up by marker;
 * their count is the total less the test users. A batch's users are listed and exported in the order of their ids, so
 * the index of batches has these too: else a page is a sort of the whole batch, or a walk over all users.
 */
export const users = pgTable(
  'users',
  {
    /** Time-ordered, so that bulk inserts append to the primary key instead of splitting its pages. */
    id: uuid().primaryKey().default(sql`uuidv7()`),
    username: varchar({ length: 255 }).notNull().unique(),
    email: varchar({ length: 255 }).notNull().unique(),
    /** A PHC string (`$argon2id$...`), see `shared/platform/passwords/password.ts`. */
    passwordHash: text('password_hash').notNull(),
    role: varchar({ length: 50 }).notNull().default('user'),
    customAttributes: jsonb('custom_attributes').$type<Record<string, unknown>>().notNull().default({}),
    isTestUser: boolean('is_test_user').notNull().default(false),
    testBatchId: uuid('test_batch_id'),
    createdByBulk: boolean('created_by_bulk').notNull().default(false),
    createdAt: timestamp('created_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
    /** Set by a trigger wherever a statement changes the row and does not say it. */
    updatedAt: timestamp('updated_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
    /**
     * The transaction that wrote the row last, kept by the same trigger: what changed since a snapshot was taken is found
     * by it without a gap, where a clock misses what was written before and committed after.
     */
    modifiedXid: xid8('modified_xid').notNull().default(sql`pg_current_xact_id()`),
  },
  table => [
    index('idx_users_test_batch')
      .on(table.testBatchId, table.id)
      .where(sql`${table.testBatchId} is not null`),
    index('idx_users_is_test').on(table.isTestUser).where(sql`${table.isTestUser}`),
    check('users_test_markers', sql`${table.isTestUser} = (${table.testBatchId} is not null)`),
    check('users_username_not_empty', sql`${table.username} <> ''`),
    check('users_email_not_empty', sql`${table.email} <> ''`),
  ],
);

export type User = typeof users.$inferSelect;
