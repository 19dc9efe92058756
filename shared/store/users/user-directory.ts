import { sql } from 'drizzle-orm';
import type { Executor } from '../../platform/postgres/db.ts';
import { parseColumn } from '../json-columns.ts';
import type { UserTable } from './user-table.ts';

/** A user of the application, whatever its table calls things. */
export interface UserRow {
  /** The primary key, as text. */
  id: string;
  username: string;
  email: string;
  role: string;
  isTestUser: boolean;
  testBatchId: string | null;
  customAttributes: Record<string, unknown>;
  createdAt: Date;
  updatedAt: Date;
}

/** A user as the driver gives it. */
type ReadRow = {
  id: string;
  username: string;
  email: string;
  role: string;
  is_test_user: boolean;
  test_batch_id: string | null;
  /** JSON, as the database has it. */
  custom_attributes: string;
  created_at: string;
  updated_at: string;
};

/**
 * What to select, from the users table, to get `UserRow`s by `userOf`. Attributes are told as text: the driver would round
 * their numbers.
 */
export const userColumns = (users: UserTable) => sql`
  ${users.read('id')} as id, ${users.read('username')} as username, ${users.read('email')} as email,
  ${users.read('role')} as role, ${users.read('is_test_user')} as is_test_user,
  ${users.read('test_batch_id')} as test_batch_id, ${users.read('attributes')}::text as custom_attributes,
  ${users.read('created_at')} as created_at, ${users.read('updated_at')} as updated_at`;

export const userOf = (row: ReadRow): UserRow => ({
  id: row.id,
  username: row.username,
  email: row.email,
  role: row.role,
  isTestUser: row.is_test_user,
  testBatchId: row.test_batch_id,
  customAttributes: parseColumn(row.custom_attributes),
  createdAt: new Date(row.created_at),
  updatedAt: new Date(row.updated_at),
});

/** A user as answers and documents show it. */
export const presentUser = (row: UserRow) => ({ id: row.id, ...presentFields(row) });

/** The same without its key, for rows of which only some have one. */
export const presentFields = (row: Omit<UserRow, 'id'>) => ({
  username: row.username,
  email: row.email,
  role: row.role,
  is_test_user: row.isTestUser,
  test_batch_id: row.testBatchId,
  custom_attributes: row.customAttributes,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
});

/** Users under a batch's id, in the order of their keys. */
export async function listBatchUsers(
  db: Executor,
  users: UserTable,
  { batchId, afterId, limit }: { batchId: string; afterId?: string | undefined; limit: number },
): Promise<UserRow[]> {
  const id = users.column('id');
  const rows = await db.execute<ReadRow>(sql`
    select ${userColumns(users)} from ${users.table}
    where ${users.column('test_batch_id')} = ${users.batch(batchId)}
      ${afterId === undefined ? sql`` : sql`and ${id} > ${users.key(afterId)}`}
    order by ${users.table}.${id} limit ${limit}`);
  return rows.map(userOf);
}

/** Whether a batch has users in the application, or had them: the ledger keeps the chunks of those who are gone. */
export async function isBatchIdTaken(db: Executor, users: UserTable, batchId: string): Promise<boolean> {
  const [row] = await db.execute<{ taken: boolean }>(sql`
    select exists (select from ${users.table} where ${users.column('test_batch_id')} = ${users.batch(batchId)})
      or exists (select from muster.bulk_chunks where batch_id = ${batchId}) as taken`);
  return row?.taken === true;
}

export interface UserTotals {
  total: number;
  test: number;
  bulk: number;
}

/** Exact counts of the application's users. Without a marker of its own, each test user counts as made in bulk. */
export async function countUsers(db: Executor, users: UserTable): Promise<UserTotals> {
  const isTest = users.column('is_test_user');
  const [row] = await db.execute<UserTotals & Record<string, number>>(sql`
    select count(*)::int as total, (count(*) filter (where ${isTest}))::int as test,
      (count(*) filter (where ${users.column('created_by_bulk') ?? isTest}))::int as bulk
    from ${users.table}`);
  return row ?? { total: 0, test: 0, bulk: 0 };
}
