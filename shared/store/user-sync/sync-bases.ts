import { type SQL, sql, TransactionRollbackError } from 'drizzle-orm';
import type { Executor } from '../../platform/postgres/db.ts';
import { textArray } from '../text-array.ts';

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

/** Whose bases: those of a target, as far as a sync of it goes. */
export interface BaseScope {
  targetKey: string;
  testUsersOnly: boolean;
}

/** Notes what both sides have now; a digest of null forgets the user. */
export async function saveBases(
  tx: Executor,
  { targetKey, testUsersOnly }: BaseScope,
  users: readonly BaseDigest[],
): Promise<void> {
  const gone = users.filter(({ digest }) => digest === null).map(({ username }) => username);
  await forgetBases(tx, targetKey, gone);
  const there = users.flatMap(({ username, digest }) => (digest === null ? [] : [{ username, digest }]));
  if (there.length === 0) return;
  await tx.execute(sql`
    insert into sync_bases as b (target_key, username, digest, of_test_users)
    select ${targetKey}, username, digest, ${testUsersOnly}
    from jsonb_to_recordset(${JSON.stringify(there)}::jsonb) as same(username text, digest bigint)
    order by username
    on conflict (target_key, username) do update
      set digest = excluded.digest, of_test_users = b.of_test_users or excluded.of_test_users
      where b.digest <> excluded.digest or excluded.of_test_users > b.of_test_users`);
}

export async function forgetBases(
  tx: Executor,
  targetKey: string,
  usernames: readonly string[],
): Promise<void> {
  if (usernames.length === 0) return;
  await tx.execute(sql`delete from sync_bases where target_key = ${targetKey} and ${named(usernames)}`);
}

const within = ({ targetKey, testUsersOnly }: BaseScope): SQL =>
  sql`target_key = ${targetKey} ${testUsersOnly ? sql`and of_test_users` : sql``}`;

interface BaseFold {
  users: number;
  digest: bigint;
}

/** How many users in scope have a base, and all their bases in one. */
export async function summarizeBases(db: Executor, scope: BaseScope): Promise<BaseFold> {
  const [row] = await db.execute<{ users: number; digest: string }>(sql`
    select count(*)::int as users, coalesce(bit_xor(digest), 0)::text as digest
    from sync_bases where ${within(scope)}`);
  return { users: row?.users ?? 0, digest: BigInt(row?.digest ?? 0) };
}

/**
 * Writes all bases in scope anew, from pages of all users that both sides have; not if the pages fold into something else
 * than was proved to be the same: a user made meanwhile is on one side only, and would pass for deleted on the other.
 */
export async function replaceBases(
  db: Executor,
  scope: BaseScope,
  proved: BaseFold,
  pages: AsyncIterable<BaseDigest[]>,
): Promise<void> {
  const written = { users: 0, digest: 0n };
  try {
    await db.transaction(async tx => {
      await tx.execute(sql`delete from sync_bases where ${within(scope)}`);
      for await (const page of pages) {
        await saveBases(tx, scope, page);
        written.users += page.length;
        for (const { digest } of page) written.digest ^= BigInt(digest ?? 0);
      }
      if (written.users !== proved.users || written.digest !== proved.digest) tx.rollback();
    });
  } catch (error) {
    if (!(error instanceof TransactionRollbackError)) throw error;
  }
}
