import { type SQL, sql } from 'drizzle-orm';
import type { accounts } from '../../../drizzle/platform/schema/accounts.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { textArray } from '../text-array.ts';
import { sameRole } from './account-touch.ts';

/** The load tester's pool of accounts: what changes it. Reading is in `account-reading.ts`. */
export type AccountRow = typeof accounts.$inferSelect;

/** A user as the other side has it. */
export interface AccountFields {
  username: string;
  email: string;
  role: string;
  isTestUser: boolean;
  testBatchId: string | null;
  /** JSON. */
  customAttributes: string;
  /** Encrypted. Absent: nobody told, and what is known already stays. */
  sealedPassword?: string | null | undefined;
  /** The user's key in the application. Absent: what is known already stays. */
  sourceId?: string | null | undefined;
  /** ISO 8601. Absent: now, for an account that is new; what is known stays, for one that is not. */
  createdAt?: string | undefined;
  updatedAt?: string | undefined;
}

export interface UpsertOptions {
  /** What happens to a username that the pool has: `skip` leaves it as it is. A deleted one counts as not there. */
  onConflict: 'skip' | 'overwrite';
  /** Both sides have the same from now on: keeps the digest as that of the last sync. */
  inSync?: boolean;
}

export interface UpsertCounts {
  created: number;
  updated: number;
  /** Accounts that were the same; with `skip`, also those that differ and were left alone. */
  unchanged: number;
  /** Those of them that have another digest than what came. */
  differing: number;
}

/**
 * Puts users into the pool by username, in one statement; those that are the same already are not written. Deleted
 * accounts come to life again. A lease outlives a change of its account.
 * @param rows some thousands at most, no username twice; in any order (locks are taken in that of the usernames)
 */
export async function upsertAccounts(
  tx: Executor,
  rows: readonly AccountFields[],
  { onConflict, inSync = false }: UpsertOptions,
): Promise<UpsertCounts> {
  if (rows.length === 0) return { created: 0, updated: 0, unchanged: 0, differing: 0 };
  const [row] = await tx.execute<Omit<UpsertCounts, 'unchanged'>>(sql`
    with written as (
      insert into accounts as a (username, email, role, is_test_user, test_batch_id, custom_attributes,
        sealed_password, source_id, status, created_at, updated_at, synced_at, base_digest)
      select username, email, role, is_test_user, test_batch_id, custom_attributes, sealed_password, source_id,
        'synced', coalesce(created_at, now()), coalesce(updated_at, created_at, now()), now(),
        ${inSync ? accountDigest : sql`null`}
      from ${incoming(rows)} order by username
      on conflict (username) do update set ${overwritten(inSync)}
      where a.status = 'deleted' ${onConflict === 'overwrite' ? sql`or ${differs(inSync)}` : sql``}
      returning old.id is null as created
    )
    select (count(*) filter (where created))::int as created, (count(*) filter (where not created))::int as updated,
      ${onConflict === 'skip' ? countDiffering(rows) : sql`0`} as differing
    from written`);
  const { created = 0, updated = 0, differing = 0 } = row ?? {};
  return { created, updated, unchanged: rows.length - created - updated, differing };
}

/** The digest of a row with the columns of `accounts`: the expression of its generated column. */
const accountDigest = sql`hashtextextended(username || E'\\x1f' || email || E'\\x1f' || role || E'\\x1f'
  || is_test_user::text || E'\\x1f' || coalesce(test_batch_id::text, '') || E'\\x1f' || custom_attributes::text, 0)`;

const incoming = (rows: readonly AccountFields[]): SQL => {
  const column = (textOf: (row: AccountFields) => string | null | undefined) =>
    textArray(rows.map(row => textOf(row) ?? null));
  return sql`unnest(
    ${column(row => row.username)}::text[], ${column(row => row.email)}::text[], ${column(row => row.role)}::text[],
    ${column(row => String(row.isTestUser))}::boolean[], ${column(row => row.testBatchId)}::uuid[],
    ${column(row => row.customAttributes)}::jsonb[], ${column(row => row.sealedPassword)}::text[],
    ${column(row => row.sourceId)}::text[], ${column(row => row.createdAt)}::timestamptz[],
    ${column(row => row.updatedAt)}::timestamptz[]
  ) as incoming (username, email, role, is_test_user, test_batch_id, custom_attributes, sealed_password, source_id,
    created_at, updated_at)`;
};

/** Accounts that are there, as the statement finds them, and are not what came. */
const countDiffering = (rows: readonly AccountFields[]): SQL => sql`(
  select count(*)::int from (select username, ${accountDigest} as digest from ${incoming(rows)}) came
  join accounts a using (username) where a.status <> 'deleted' and a.digest <> came.digest)`;

/** `excluded` has its generated columns computed already. */
const overwritten = (inSync: boolean): SQL => sql`
  email = excluded.email, role = excluded.role, is_test_user = excluded.is_test_user,
  test_batch_id = excluded.test_batch_id, custom_attributes = excluded.custom_attributes,
  sealed_password = coalesce(excluded.sealed_password, a.sealed_password),
  source_id = coalesce(excluded.source_id, a.source_id),
  status = case when a.status in ('leased', 'released') then a.status else 'synced' end,
  updated_at = excluded.updated_at, synced_at = excluded.synced_at, deleted_at = null
  ${inSync ? sql`, base_digest = excluded.digest` : sql``}`;

const differs = (inSync: boolean): SQL => sql`(
  a.digest <> excluded.digest
  or a.sealed_password is distinct from coalesce(excluded.sealed_password, a.sealed_password)
  or a.source_id is distinct from coalesce(excluded.source_id, a.source_id)
  ${inSync ? sql`or a.base_digest is distinct from excluded.digest or a.status = 'created'` : sql``})`;

/** Which accounts: of a batch, or by username. */
export type AccountChoice = { batchId: string } | { usernames: readonly string[] };

/**
 * Deletes accounts: their passwords and sessions go at once, and the rows stay as tombstones, so that the deletion can
 * travel. One that a virtual user holds is deleted under it; its lease ends as leases do.
 * @returns how many there were
 */
export async function markDeleted(tx: Executor, choice: AccountChoice): Promise<number> {
  const [row] = await tx.execute<{ deleted: number }>(sql`
    with marked as (
      update accounts set status = 'deleted', deleted_at = now(), updated_at = now(), sealed_password = null,
        ${sameRole}
      where ${isChosen(choice)} and status <> 'deleted'
      returning id
    ), forgotten as (
      delete from account_sessions s using marked where s.account_id = marked.id
    )
    select count(*)::int as deleted from marked`);
  return row?.deleted ?? 0;
}

const isChosen = (choice: AccountChoice): SQL =>
  'batchId' in choice
    ? sql`test_batch_id = ${choice.batchId}::uuid`
    : sql`username in (select jsonb_array_elements_text(${JSON.stringify(choice.usernames)}::jsonb))`;

const tombstonesAtOnce = 10_000;

/** Forgets the tombstones of deletions that are older than this; gives how many. */
export async function dropTombstones(db: Executor, days: number): Promise<number> {
  for (let dropped = 0; ; ) {
    const { count } = await db.execute(sql`
      delete from accounts where id in (
        select id from accounts where deleted_at < now() - make_interval(days => ${days})
        order by deleted_at limit ${tombstonesAtOnce} for update skip locked)`);
    dropped += count;
    if (count < tombstonesAtOnce) return dropped;
  }
}
