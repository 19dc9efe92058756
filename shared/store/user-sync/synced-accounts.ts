import { type SQL, sql } from 'drizzle-orm';
import { portions } from '../../kernel/portions.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { sqlStateOf } from '../../platform/postgres/sql-state.ts';
import { poolTable, type Scope } from '../accounts/account-digests.ts';
import { readFold } from '../accounts/account-fold.ts';
import { sameRole } from '../accounts/account-touch.ts';
import type { Fold } from '../accounts/bucket-comparison.ts';
import { textArray } from '../text-array.ts';
import type { ApplicationUser } from './synced-users.ts';

/** What sync reads from the pool of accounts and notes in it; `accounts.ts` has the other writes. */

/** A user as it stands in the pool. */
type PoolUser = Omit<ApplicationUser, 'id'> & {
  /** The key in the application; null where it is not known. */
  id: string | null;
  sealed_password: string | null;
};

const named = (usernames: readonly string[]): SQL => sql`username = any(${textArray(usernames)}::text[])`;

/** Accounts by username, those that were deleted aside. */
export async function usersOfPool(db: Executor, usernames: readonly string[]): Promise<PoolUser[]> {
  const rows = await db.execute<PoolUser>(sql`
    select source_id as id, username, email, role, is_test_user, test_batch_id::text as test_batch_id, custom_attributes::text,
      to_json(created_at) #>> '{}' as created_at, to_json(updated_at) #>> '{}' as updated_at, sealed_password
    from accounts where status <> 'deleted' and ${named(usernames)}`);
  return [...rows];
}

export interface PoolPage {
  usernames: string[];
  bytes: number;
}

/**
 * Divides these accounts, those that were deleted aside, into pages of `maxBytes` at most, so that memory does not depend
 * on how much a user's attributes hold. An account that is longer by itself has a page of its own.
 */
export async function pagesOfPool(
  db: Executor,
  usernames: readonly string[],
  maxBytes: number,
): Promise<PoolPage[]> {
  const rows = await db.execute<{ username: string; bytes: number }>(sql`
    select username, octet_length(username) + octet_length(email) + octet_length(role)
      + octet_length(custom_attributes::text) as bytes
    from accounts where status <> 'deleted' and ${named(usernames)} order by username`);
  return [...portions(rows, row => row.bytes, { maxBytes })].map(page => ({
    usernames: page.map(({ username }) => username),
    bytes: page.reduce((sum, { bytes }) => sum + bytes, 0),
  }));
}

/** The state as it is now, deletions included, counts as that of the last sync. */
const settle = sql`
  base_digest = case when status <> 'deleted' then a.digest end,
  status = case when status = 'created' then 'synced' else status end, synced_at = now(),
  ${sameRole}`;
const unsettled = sql`a.base_digest is distinct from case when status <> 'deleted' then a.digest end`;

/** Notes for these accounts that both sides are the same, if they still are what they were taken for. */
export async function settleAccounts(
  tx: Executor,
  users: readonly { username: string; digest: string | null }[],
): Promise<void> {
  if (users.length === 0) return;
  await tx.execute(sql`
    update accounts a set ${settle}
    from jsonb_to_recordset(${JSON.stringify(users)}::jsonb) as same(username text, digest bigint)
    where a.username = same.username and ${unsettled}
      and same.digest is not distinct from case when status <> 'deleted' then a.digest end`);
}

const within = ({ batchId, testUsersOnly }: Scope): SQL => sql`
  ${batchId === undefined ? sql`` : sql`and test_batch_id = ${batchId}::uuid`}
  ${testUsersOnly ? sql`and is_test_user` : sql``}`;

/**
 * Notes it for all accounts in scope, if they fold into what was proved to be the same on both sides: the fold and the
 * note are of one snapshot, or what was changed in between would pass for synced. An account that is changed while this
 * runs leaves all of them to the next sync.
 */
export async function settlePool(db: Executor, scope: Scope, proved: Fold): Promise<void> {
  const settleAll = async (tx: Executor) => {
    if (proved.unsettled === 0 && !(await hasUnsettledTombstones(tx, scope))) return;
    const { users, digest } = await readFold(tx, poolTable, scope);
    if (users !== proved.users || digest !== proved.digest) return;
    await tx.execute(sql`update accounts a set ${settle} where ${unsettled} ${within(scope)}`);
  };
  try {
    await db.transaction(settleAll, { isolationLevel: 'repeatable read' });
  } catch (error) {
    if (sqlStateOf(error) !== serializationFailure) throw error;
  }
}

const serializationFailure = '40001';

/** Of accounts that were deleted since the last sync: neither side has them any more. */
async function hasUnsettledTombstones(db: Executor, scope: Scope): Promise<boolean> {
  const found = await db.execute(sql`
    select from accounts where deleted_at is not null and base_digest is not null ${within(scope)} limit 1`);
  return found.length > 0;
}
