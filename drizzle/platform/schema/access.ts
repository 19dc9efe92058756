import { sql } from 'drizzle-orm';
import {
  boolean,
  check,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';

/** Who may call the API, and what was answered to keyed calls. No secret is stored, only digests of them. */

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });

export const apiKeys = pgTable(
  'api_keys',
  {
    id: uuid('id').primaryKey(),
    name: text('name').notNull(),
    role: text('role', { enum: ['viewer', 'operator', 'admin'] }).notNull(),
    /** SHA-256 of the key, hex. */
    digest: text('digest').notNull().unique(),
    /** The name of the key that made it; names are free and need not be unique. */
    createdBy: text('created_by').notNull(),
    /** Given by `MUSTER_API_KEY`: goes when that changes. */
    fromEnvironment: boolean('from_environment').notNull().default(false),
    createdAt: moment('created_at').notNull().defaultNow(),
    lastUsedAt: moment('last_used_at'),
  },
  table => [check('api_keys_role', sql`${table.role} in ('viewer', 'operator', 'admin')`)],
);

export const webSessions = pgTable(
  'web_sessions',
  {
    /** SHA-256 of the cookie's token, hex. */
    digest: text('digest').primaryKey(),
    keyId: uuid('key_id')
      .notNull()
      .references(() => apiKeys.id, { onDelete: 'cascade' }),
    createdAt: moment('created_at').notNull().defaultNow(),
    expiresAt: moment('expires_at').notNull(),
  },
  table => [
    index('web_sessions_key_id').on(table.keyId),
    index('web_sessions_expires_at').on(table.expiresAt),
  ],
);

export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    /** The API key's id, or `anonymous` while authentication is off. */
    caller: text('caller').notNull(),
    key: text('key').notNull(),
    /** SHA-256 over method, path and body. */
    requestDigest: text('request_digest').notNull(),
    /** The answer, as it was sent. Null only inside the transaction that is making it. */
    status: integer('status'),
    location: text('location'),
    body: text('body'),
    expiresAt: moment('expires_at').notNull(),
  },
  table => [
    primaryKey({ columns: [table.caller, table.key] }),
    index('idempotency_keys_expires_at').on(table.expiresAt),
  ],
);

/** The counters of rate-limiter-flexible, in the columns that it expects; shared by all api processes. */
export const rateLimits = pgTable(
  'rate_limits',
  {
    key: text('key').primaryKey(),
    points: integer('points').notNull(),
    expire: moment('expire'),
  },
  table => [index('rate_limits_expire').on(table.expire)],
);
