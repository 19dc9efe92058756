import { sql } from 'drizzle-orm';
import {
  boolean,
  check,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  real,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });
/** 64 bits, signed, as text: JavaScript has no such number. */
const hash64 = customType<{ data: string }>({ dataType: () => 'bigint' });

/**
 * The load tester's accounts: what it knows of the application's users, with the passwords to log in with.
 *
 *   created ──► synced ──► leased ◄──► released ──► deleted
 *
 * `digest` covers what must be the same on both sides (`shared/store/accounts/account-digests.ts` has the application's half:
 * the two expressions must give the same). A deleted account stays as a tombstone for a stated time, so that its
 * deletion can travel.
 */
export const accounts = pgTable(
  'accounts',
  {
    id: uuid('id').primaryKey().default(sql`uuidv7()`),
    username: text('username').notNull().unique(),
    email: text('email').notNull(),
    role: text('role').notNull(),
    isTestUser: boolean('is_test_user').notNull().default(true),
    testBatchId: uuid('test_batch_id'),
    customAttributes: jsonb('custom_attributes').$type<Record<string, unknown>>().notNull().default({}),
    /** Encrypted (AES-256-GCM); null when nobody told. Users of one batch may share one sealed text. */
    sealedPassword: text('sealed_password'),
    /** The user's key in the application; null for an account that was not synced yet. */
    sourceId: text('source_id'),
    status: text('status', { enum: ['created', 'synced', 'leased', 'released', 'deleted'] })
      .notNull()
      .default('created'),
    /** When the user was made and changed, on the clock of the side that did. */
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
    syncedAt: moment('synced_at'),
    deletedAt: moment('deleted_at'),
    /** The digest that both sides had after the last sync; null when there was none. */
    baseDigest: hash64('base_digest'),
    digest: hash64('digest')
      .notNull()
      .generatedAlwaysAs(
        sql`hashtextextended(username || E'\\x1f' || email || E'\\x1f' || role || E'\\x1f' || is_test_user::text || E'\\x1f' || coalesce(test_batch_id::text, '') || E'\\x1f' || custom_attributes::text, 0)`,
      ),
    /** One of 4,096, by the username alone. */
    bucket: smallint('bucket')
      .notNull()
      .generatedAlwaysAs(sql`(hashtextextended(username, 1) & 4095)::smallint`),
  },
  table => [
    check('accounts_status', sql`${table.status} in ('created', 'synced', 'leased', 'released', 'deleted')`),
    check('accounts_deleted', sql`(${table.status} = 'deleted') = (${table.deletedAt} is not null)`),
    index('accounts_batch').on(table.testBatchId, table.id).where(sql`${table.status} <> 'deleted'`),
    index('accounts_bucket').on(table.bucket),
    index('accounts_tombstones').on(table.deletedAt).where(sql`${table.deletedAt} is not null`),
  ],
);

/** An account's session at a target. */
export const accountSessions = pgTable(
  'account_sessions',
  {
    accountId: uuid('account_id')
      .notNull()
      .references(() => accounts.id, { onDelete: 'cascade' }),
    /** Scheme, host and port. */
    origin: text('origin').notNull(),
    state: text('state', { enum: ['active', 'expired', 'failed'] }).notNull(),
    /** What to send, encrypted: cookies or a bearer token, as JSON. Null when the login failed. */
    sealedSession: text('sealed_session'),
    /** Null when the target did not say. */
    expiresAt: moment('expires_at'),
    loggedInAt: moment('logged_in_at').notNull().defaultNow(),
    /** How long the login took. */
    loginMs: real('login_ms'),
    failureCode: text('failure_code'),
    /** The bulk login that made it, if one did; kept when a run refreshes the session. */
    loginJob: uuid('login_job'),
  },
  table => [
    primaryKey({ columns: [table.accountId, table.origin] }),
    index('account_sessions_job').on(table.loginJob).where(sql`${table.loginJob} is not null`),
    check('account_sessions_state', sql`${table.state} in ('active', 'expired', 'failed')`),
  ],
);

/**
 * Which accounts a run holds: no other run gets them meanwhile. Under `unique` an account is one virtual user's. Under
 * `round_robin` the run's users take turns over its accounts; a `shared` pool has no rows here.
 */
export const accountLeases = pgTable(
  'account_leases',
  {
    accountId: uuid('account_id')
      .primaryKey()
      .references(() => accounts.id, { onDelete: 'cascade' }),
    loadTestId: uuid('load_test_id').notNull(),
    /** The virtual user's number in the whole run: its shard is this modulo the number of shards. */
    userIndex: integer('user_index').notNull(),
    leasedAt: moment('leased_at').notNull().defaultNow(),
  },
  table => [uniqueIndex('account_leases_user').on(table.loadTestId, table.userIndex)],
);
