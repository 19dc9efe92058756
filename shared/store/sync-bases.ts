import { sql } from 'drizzle-orm';
import type { Executor } from '../platform/db.ts';
import { textArray } from './text-array.ts';

/**
 * The digests that the application and a peer both had after the last sync, by username. The built-in pool keeps its own
 * beside its accounts. They never expire: a user whom one side does not have, and of whom there is a base, was deleted.
 */
export interface BaseDigest {
  username: string;
  digest: string | null;
}

const named = (usernames: readonly string[]) => sql`username = any(${textArray(usernames)}::text[])`;

export async function readBases(
  db: Executor,
  targetKey: string,
  usernames: readonly string[],
): Promise<Map<string, string>> {
  const rows = await db.execute<{ username: string; digest: string }>(sql`
    select username, digest::text as digest from sync_bases where target_key = ${targetKey} and ${named(usernames)}`);
  return new Map(rows.map(({ username, digest }) => [username, digest]));
}

/** Notes what both sides have now; a digest of null forgets the user. */
export async function saveBases(
  tx: Executor,
  targetKey: string,
  users: readonly BaseDigest[],
): Promise<void> {
  const gone = users.filter(({ digest }) => digest === null).map(({ username }) => username);
  await forgetBases(tx, targetKey, gone);
  const there = users.flatMap(({ username, digest }) => (digest === null ? [] : [{ username, digest }]));
  if (there.length === 0) return;
  await tx.execute(sql`
    insert into sync_bases as b (target_key, username, digest)
    select ${targetKey}, username, digest
    from jsonb_to_recordset(${JSON.stringify(there)}::jsonb) as same(username text, digest bigint)
    order by username
    on conflict (target_key, username) do update set digest = excluded.digest where b.digest <> excluded.digest`);
}

export async function forgetBases(
  tx: Executor,
  targetKey: string,
  usernames: readonly string[],
): Promise<void> {
  if (usernames.length === 0) return;
  await tx.execute(sql`delete from sync_bases where target_key = ${targetKey} and ${named(usernames)}`);
}

/** How many users of a target have a base, and all bases in one. */
export async function summarizeBases(
  db: Executor,
  targetKey: string,
): Promise<{ users: number; digest: bigint }> {
  const [row] = await db.execute<{ users: number; digest: string }>(sql`
    select count(*)::int as users, coalesce(bit_xor(digest), 0)::text as digest
    from sync_bases where target_key = ${targetKey}`);
  return { users: row?.users ?? 0, digest: BigInt(row?.digest ?? 0) };
}

/** Writes all bases of a target anew, from pages of all users that both sides have. */
export async function replaceBases(
  db: Executor,
  targetKey: string,
  pages: AsyncIterable<BaseDigest[]>,
): Promise<void> {
  await db.transaction(async tx => {
    await tx.execute(sql`delete from sync_bases where target_key = ${targetKey}`);
    for await (const page of pages) await saveBases(tx, targetKey, page);
  });
}
