import { sql } from 'drizzle-orm';
import { index, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { users } from './users.ts';

/** Who is logged in. The token itself is only in the visitor's cookie; a copy of this table opens no session. */
export const sessions = pgTable(
  'sessions',
  {
    id: uuid().primaryKey().default(sql`uuidv7()`),
    /** SHA-256 of the cookie's token, in hex. */
    tokenHash: text('token_hash').notNull().unique(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    createdAt: timestamp('created_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
    expiresAt: timestamp('expires_at', { withTimezone: true, precision: 3 }).notNull(),
  },
  table => [
    // Without it, every deleted user would scan all sessions for the cascade.
    index('idx_sessions_user').on(table.userId),
    index('idx_sessions_expiry').on(table.expiresAt),
  ],
);
