import { and, eq, gt, lt, sql } from 'drizzle-orm';
import { apiKeys, webSessions } from '../../../drizzle/platform/schema/access.ts';
import { newToken, tokenDigest } from '../../platform/crypto.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import type { KeyIdentity } from './api-keys.ts';

/** How long a browser stays logged in. */
export const sessionSeconds = 12 * 60 * 60;

/** Opens a session for a key; gives the token for the cookie. It ends with the key, too. */
export async function openSession(db: Executor, keyId: string): Promise<string> {
  const token = newToken('session');
  await db.insert(webSessions).values({
    digest: tokenDigest(token),
    keyId,
    expiresAt: sql`now() + make_interval(secs => ${sessionSeconds})`,
  });
  return token;
}

/** The key behind a live session, or undefined. */
export async function identifySession(db: Executor, token: string): Promise<KeyIdentity | undefined> {
  const [key] = await db
    .select({ id: apiKeys.id, name: apiKeys.name, role: apiKeys.role })
    .from(webSessions)
    .innerJoin(apiKeys, eq(apiKeys.id, webSessions.keyId))
    .where(and(eq(webSessions.digest, tokenDigest(token)), gt(webSessions.expiresAt, sql`now()`)));
  return key;
}

export async function closeSession(db: Executor, token: string): Promise<void> {
  await db.delete(webSessions).where(eq(webSessions.digest, tokenDigest(token)));
}

export async function pruneSessions(db: Executor): Promise<void> {
  await db.delete(webSessions).where(lt(webSessions.expiresAt, sql`now()`));
}
