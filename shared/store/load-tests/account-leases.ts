import { type SQL, sql } from 'drizzle-orm';
import { type LoadTestConfig, peakUsersOf, type UserPoolConfig } from '../../contracts/load-tests.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { isValidSession } from '../accounts/account-sessions.ts';
import { sameRole } from '../accounts/account-touch.ts';
import { held, type ShardLease } from './load-shards.ts';

/**
 * Which run holds which accounts. A run takes them when its shards are placed, all or none, and they are free again in
 * the transaction that concludes it. An account is its user's, whose number says the shard, whoever runs that: a worker
 * gets a shard's accounts while it holds the shard's lease, and a shard that is taken over takes them along.
 */

/** A run's need of accounts. */
export interface AccountNeed {
  pool: UserPoolConfig;
  /** Where sessions must be good. */
  origin: string;
  /** How many accounts there must be: one for each user. */
  users: number;
}

/** What a test needs; undefined when its users have no accounts. */
export function accountNeedOf(config: LoadTestConfig): AccountNeed | undefined {
  if (config.user_pool === undefined) return undefined;
  return { pool: config.user_pool, origin: new URL(config.target_url).origin, users: peakUsersOf(config) };
}

/** How many accounts are the least that will do. */
export const leastAccounts = ({ pool, users }: AccountNeed): number => (pool.policy === 'unique' ? users : 1);

const accountsAndSessions = (origin: string): SQL =>
  sql`accounts a left join account_sessions s on s.account_id = a.id and s.origin = ${origin}`;

/** Of `accountsAndSessions`: whether a run may take the account. */
const isFree = ({ batch_id, login }: UserPoolConfig): SQL => sql`
  a.status <> 'deleted'
  and ${batch_id === null ? sql`true` : sql`a.test_batch_id = ${batch_id}::uuid`}
  and (${isValidSession} ${login === null ? sql`` : sql`or a.sealed_password is not null`})
  and not exists (select from account_leases l where l.account_id = a.id)`;

/** Those with a session first, then the oldest. */
const preference = sql`coalesce(${isValidSession}, false) desc, a.id`;

/** How many accounts a run could take now, counted up to what it needs. */
export async function countFreeAccounts(db: Executor, need: AccountNeed): Promise<number> {
  const [row] = await db.execute<{ free: number }>(sql`
    select count(*)::int as free from (
      select from ${accountsAndSessions(need.origin)} where ${isFree(need.pool)} limit ${leastAccounts(need)}
    ) counted`);
  return row?.free ?? 0;
}

/**
 * Takes accounts for a run; none when there are too few. The transaction holds the lock on
 * slots, so that two runs never take at the same time.
 * @returns how many accounts there were, up to the number of users
 */
export async function leaseAccounts(
  tx: Executor,
  { testId, need }: { testId: string; need: AccountNeed },
): Promise<number> {
  if (need.pool.policy === 'shared') return countFreeAccounts(tx, need);
  const [row] = await tx.execute<{ found: number }>(sql`
    with free as materialized (
      select a.id from ${accountsAndSessions(need.origin)} where ${isFree(need.pool)}
      order by ${preference} limit ${need.users} for no key update of a
    ), numbered as (
      select id, row_number() over (order by id) - 1 as number from free
      where (select count(*) from free) >= ${leastAccounts(need)}
    ), taken as (
      insert into account_leases (account_id, load_test_id, user_index)
      select id, ${testId}, number from numbered
      returning account_id
    ), marked as (
      update accounts set status = 'leased', ${sameRole} from taken where id = account_id and status <> 'deleted'
    )
    select count(*)::int as found from free`);
  return row?.found ?? 0;
}

/** An account of a shard, with what there is to log in with. */
export interface HeldAccount {
  id: string;
  username: string;
  /** Its place in the whole run: the user's own number under `unique`. */
  number: number;
  sealedPassword: string | null;
  /** Null when there is none that is good. */
  sealedSession: string | null;
}

const heldAccount = sql`jsonb_build_object('id', a.id, 'username', a.username, 'number', held.number,
  'sealedPassword', a.sealed_password,
  'sealedSession', case when ${isValidSession} then s.sealed_session end) as account`;

/** With fewer accounts than shards, all shards share them. */
const isOfShard = ({ shard }: ShardLease): SQL =>
  sql`(number % shards = ${shard} % shards or total < shards and number = ${shard} % total)`;

/** The accounts of a shard, in order; none when its lease is void. */
export async function takeHeldAccounts(
  db: Executor,
  lease: ShardLease,
  { shards, need }: { shards: number; need: AccountNeed },
): Promise<HeldAccount[]> {
  const numbered = need.pool.policy === 'shared' ? chosen(need) : leased(lease);
  const rows = await db.execute<{ account: HeldAccount }>(sql`
    with numbered as (${numbered}),
    counted as (select *, ${shards}::int as shards, count(*) over ()::int as total from numbered),
    held as (select id, number from counted where ${isOfShard(lease)})
    select ${heldAccount} from held join ${accountsAndSessions(need.origin)} on a.id = held.id
    where a.status <> 'deleted' order by held.number`);
  return rows.map(row => row.account);
}

const chosen = (need: AccountNeed): SQL => sql`
  select id, row_number() over (order by id) - 1 as number from (
    select a.id from ${accountsAndSessions(need.origin)} where ${isFree(need.pool)} order by a.id limit ${need.users}
  ) free`;

const leased = (lease: ShardLease): SQL => sql`
  select account_id as id, user_index as number from account_leases
  where load_test_id = ${lease.testId} and exists (select from load_shards where ${held(lease)})`;

/** Gives the accounts of a run back; the transaction concludes it. */
export const releaseAccounts = (tx: Executor, testId: string): Promise<void> =>
  release(tx, sql`l.load_test_id = ${testId}`);

/** Gives back what runs hold that have ended, or that are not there any more. */
export const reclaimAccounts = (db: Executor): Promise<void> =>
  release(
    db,
    sql`not exists (select from load_tests t where t.id = l.load_test_id and t.finished_at is null)`,
  );

async function release(db: Executor, which: SQL): Promise<void> {
  await db.execute(sql`
    with gone as (delete from account_leases l where ${which} returning l.account_id)
    update accounts set status = 'released', ${sameRole} from gone where id = account_id and status = 'leased'`);
}
