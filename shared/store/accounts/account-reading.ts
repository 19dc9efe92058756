import { and, asc, eq, getTableColumns, gt, ne, type SQL, sql } from 'drizzle-orm';
import type { PgSelect } from 'drizzle-orm/pg-core';
import { accounts } from '../../../drizzle/platform/schema/accounts.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { jsonAsWritten } from '../json-columns.ts';
import { pagesByBytes } from '../pages-by-bytes.ts';
import type { AccountRow } from './accounts.ts';

/** Reads the pool of accounts. Deleted ones are not there, unless they are asked for. */
export interface AccountFilter {
  batchId?: string | undefined;
  testUsersOnly?: boolean | undefined;
  /** Changed at this moment or later, on the clock of the side that did. */
  modifiedSince?: Date | undefined;
  /** Tombstones too. */
  withDeleted?: boolean | undefined;
}

/** All columns, custom attributes with their numbers as the pool has them. */
const accountColumns = {
  ...getTableColumns(accounts),
  customAttributes: jsonAsWritten(accounts.customAttributes),
};

interface AccountPage extends AccountFilter {
  afterId?: string | undefined;
  limit: number;
}

/** A page of accounts in the order of their ids, which is that of their arrival. */
export const listAccounts = (db: Executor, page: AccountPage): Promise<AccountRow[]> =>
  nextAccounts(db.select(accountColumns).from(accounts).$dynamic(), page);

const nextAccounts = <Query extends PgSelect>(query: Query, { afterId, limit, ...filter }: AccountPage) =>
  query
    .where(and(matches(filter), afterId === undefined ? undefined : gt(accounts.id, afterId)))
    .orderBy(asc(accounts.id))
    .limit(limit);

const matches = (filter: AccountFilter): SQL | undefined =>
  and(
    filter.withDeleted === true ? undefined : ne(accounts.status, 'deleted'),
    filter.batchId === undefined ? undefined : eq(accounts.testBatchId, filter.batchId),
    filter.testUsersOnly === true ? eq(accounts.isTestUser, true) : undefined,
    filter.modifiedSince === undefined
      ? undefined
      : sql`${accounts.updatedAt} >= ${filter.modifiedSince.toISOString()}::timestamptz`,
  );

export async function countAccounts(db: Executor, filter: AccountFilter): Promise<number> {
  const [row] = await db.select({ total: sql<number>`count(*)::int` }).from(accounts).where(matches(filter));
  return row?.total ?? 0;
}

/** All that fit, in pages; ends early when `signal` aborts. */
export function readAccounts(
  db: Executor,
  filter: AccountFilter,
  options: { pageSize?: number; signal?: AbortSignal } = {},
): AsyncGenerator<AccountRow[]> {
  return pagesByBytes(
    {
      async measure(afterId, limit) {
        const bytes = sql<number>`octet_length(${accounts.customAttributes}::text)`;
        const rows = await nextAccounts(db.select({ bytes }).from(accounts).$dynamic(), {
          ...filter,
          afterId,
          limit,
        });
        return rows.map(row => row.bytes);
      },
      read: (afterId, limit) => listAccounts(db, { ...filter, afterId, limit }),
    },
    options,
  );
}

/** One account, deleted or not. */
export async function findAccount(db: Executor, id: string): Promise<AccountRow | undefined> {
  const [row] = await db.select(accountColumns).from(accounts).where(eq(accounts.id, id));
  return row;
}

export interface AccountStats {
  total: number;
  /** The largest batches by id; accounts of no batch are under `none`. */
  byBatch: Record<string, number>;
  activeSessions: number;
  leased: number;
  /** `bit_xor` over the digests of all accounts: 16 hex digits, the same for the same accounts. */
  digest: string;
}

const maxBatches = 1000;

/** Counts and the digest of the pool, in one pass over it. */
export async function readAccountStats(db: Executor): Promise<AccountStats> {
  const [row] = await db.execute<{
    total: number;
    digest: string;
    by_batch: Record<string, number> | null;
    active_sessions: number;
    leased: number;
  }>(sql`
    with batches as (
      select coalesce(test_batch_id::text, 'none') as batch, count(*)::int as users, bit_xor(digest) as digest
      from accounts where status <> 'deleted' group by test_batch_id
    ), largest as (select batch, users from batches order by users desc, batch limit ${maxBatches})
    select coalesce(sum(users), 0)::int as total, lpad(to_hex(coalesce(bit_xor(digest), 0)), 16, '0') as digest,
      (select jsonb_object_agg(batch, users) from largest) as by_batch,
      (select count(*)::int from account_sessions
        where state = 'active' and (expires_at is null or expires_at > now())) as active_sessions,
      (select count(*)::int from account_leases) as leased
    from batches`);
  return {
    total: row?.total ?? 0,
    byBatch: row?.by_batch ?? {},
    activeSessions: row?.active_sessions ?? 0,
    leased: row?.leased ?? 0,
    digest: row?.digest ?? '0'.repeat(16),
  };
}
