import { and, asc, count, eq, gt, ne, sql } from 'drizzle-orm';
import { apiKeys } from '../../../drizzle/platform/schema/access.ts';
import { AppError } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import { newToken, tokenDigest } from '../../platform/crypto.ts';
import type { Db, Executor } from '../../platform/postgres/db.ts';

export type ApiKeyRow = typeof apiKeys.$inferSelect;
export type KeyRole = ApiKeyRow['role'];
/** Who a key or a session stands for. */
export type KeyIdentity = Pick<ApiKeyRow, 'id' | 'name' | 'role'>;

/** Advisory lock of every change that decides by counting admin keys, so that two cannot both decide. */
const adminKeysLock = sql`select pg_advisory_xact_lock(hashtext('muster.admin-keys'))`;

/** The key of this token, or undefined. Marks it as used, at most once a minute: reads stay cheap. */
export async function identifyKey(db: Executor, token: string): Promise<KeyIdentity | undefined> {
  const [row] = await db.execute<KeyIdentity & Record<string, unknown>>(sql`
    with found as (
      select id, name, role, last_used_at from ${apiKeys} where digest = ${tokenDigest(token)}
    ), touched as (
      update ${apiKeys} set last_used_at = now()
      where id in (select id from found where last_used_at is null or last_used_at < now() - interval '1 minute')
    )
    select id, name, role from found`);
  return row && { id: row.id, name: row.name, role: row.role };
}

/** Makes a key and gives it back with its token, which is stored nowhere. */
export async function createApiKey(
  db: Executor,
  { name, role, createdBy }: { name: string; role: KeyRole; createdBy: string },
): Promise<ApiKeyRow & { token: string }> {
  const token = newToken('muster');
  const [row] = await db
    .insert(apiKeys)
    .values({ id: newId(), name, role, createdBy, digest: tokenDigest(token) })
    .returning();
  if (row === undefined) throw new AppError('internal_error', 'The new key was not stored');
  return { ...row, token };
}

/** Keys by age, `limit + 1` of them. */
export const listApiKeys = (db: Executor, after: string | undefined, limit: number): Promise<ApiKeyRow[]> =>
  db
    .select()
    .from(apiKeys)
    .where(after === undefined ? undefined : gt(apiKeys.id, after))
    .orderBy(asc(apiKeys.id))
    .limit(limit + 1);

export async function findApiKey(db: Executor, id: string): Promise<ApiKeyRow | undefined> {
  const [key] = await db.select().from(apiKeys).where(eq(apiKeys.id, id));
  return key;
}

/** Deletes a key and its sessions. `not_found`; `conflict` when it is the last one of an admin. */
export async function deleteApiKey(db: Executor, id: string): Promise<void> {
  await db.execute(adminKeysLock);
  const key = await findApiKey(db, id);
  if (key === undefined) throw new AppError('not_found', `There is no API key ${id}`);
  const [others] = await db
    .select({ admins: count() })
    .from(apiKeys)
    .where(and(eq(apiKeys.role, 'admin'), ne(apiKeys.id, id)));
  if (key.role === 'admin' && others?.admins === 0) {
    throw new AppError('conflict', 'This is the last admin key', { hint: 'Make another admin key first.' });
  }
  await db.delete(apiKeys).where(eq(apiKeys.id, id));
}

/**
 * Makes the given token an admin key, in place of the one that the environment gave before: changing
 * `MUSTER_API_KEY` and restarting revokes the old value.
 */
export async function installAdminKey(db: Db, token: string): Promise<void> {
  const digest = tokenDigest(token);
  await db.transaction(async tx => {
    await tx.execute(adminKeysLock);
    await tx.delete(apiKeys).where(and(eq(apiKeys.fromEnvironment, true), ne(apiKeys.digest, digest)));
    const given = { role: 'admin', fromEnvironment: true } as const;
    await tx
      .insert(apiKeys)
      .values({ ...given, id: newId(), name: 'MUSTER_API_KEY', createdBy: 'environment', digest })
      .onConflictDoUpdate({ target: apiKeys.digest, set: given });
  });
}

/** On an installation without any key, makes the first one and gives its token; of several callers, to one only. */
export async function createFirstKey(db: Db): Promise<string | undefined> {
  return db.transaction(async tx => {
    await tx.execute(adminKeysLock);
    const [existing] = await tx.select({ id: apiKeys.id }).from(apiKeys).limit(1);
    if (existing !== undefined) return undefined;
    const key = await createApiKey(tx, { name: 'first key', role: 'admin', createdBy: 'first start' });
    return key.token;
  });
}
