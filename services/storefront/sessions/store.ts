import { desc, eq, lte, or, sql } from 'drizzle-orm';
import { sessions } from '../../../drizzle/application/schema/sessions.ts';
import { users } from '../../../drizzle/application/schema/users.ts';
import type { Executor, Sql } from '../../../shared/platform/postgres/db.ts';

/** What the shop tells of a user. */
export type Profile = Pick<typeof users.$inferSelect, 'id' | 'username' | 'email' | 'role'>;

const profile = { id: users.id, username: users.username, email: users.email, role: users.role };

/** The user of that username or, if there is none, of that email address; with the password's hash. */
export async function findByLogin(db: Executor, login: string) {
  const [found] = await db
    .select({ ...profile, passwordHash: users.passwordHash })
    .from(users)
    .where(or(eq(users.username, login), eq(users.email, login)))
    .orderBy(desc(eq(users.username, login)))
    .limit(1);
  return found;
}

/**
 * Opens a session; false when the user was deleted in the meantime. `for key share` waits for a deletion that
 * is under way, where a plain insert would fail on the foreign key.
 */
export async function openSession(
  db: Executor,
  session: { userId: string; tokenHash: string; lifetimeSeconds: number },
): Promise<boolean> {
  const opened = await db.execute(sql`
    insert into ${sessions} (token_hash, user_id, expires_at)
    select ${session.tokenHash}, id, now() + make_interval(secs => ${session.lifetimeSeconds})
    from ${users} where id = ${session.userId} for key share
    returning id`);
  return opened.length === 1;
}

/**
 * Whose session this is; undefined when it is unknown or expired, by the database's clock. A prepared statement of the
 * driver's, since most requests of users begin with it.
 */
export async function findBySession(client: Sql, tokenHash: string): Promise<Profile | undefined> {
  const [found] = await client<Profile[]>`
    select users.id, username, email, role from sessions join users on users.id = user_id
    where token_hash = ${tokenHash} and expires_at > now()`;
  return found;
}

export async function closeSession(db: Executor, tokenHash: string): Promise<void> {
  await db.delete(sessions).where(eq(sessions.tokenHash, tokenHash));
}

/** Deletes every expired session in one statement; gives their number. */
export async function deleteExpiredSessions(db: Executor): Promise<number> {
  const deleted = await db.delete(sessions).where(lte(sessions.expiresAt, sql`now()`));
  return deleted.count;
}
