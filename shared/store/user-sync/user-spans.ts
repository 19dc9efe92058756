import { type SQL, sql } from 'drizzle-orm';
import type { Executor } from '../../platform/postgres/db.ts';
import type { Scope } from '../accounts/account-digests.ts';
import type { UserTable } from '../users/user-table.ts';

/** The application's users in the order of their keys, in parts that the index finds. */
export interface KeySpan {
  /** The first key of the span; null: no user is before it. */
  firstKey: string | null;
  /** The first key after it; null: no user is behind it. */
  nextKey: string | null;
}

type Who = Pick<Scope, 'batchId' | 'testUsersOnly'>;

/** Divides the users in scope into spans of `size` each, the last of what is left; none when there is nobody. */
export async function readKeySpans(
  db: Executor,
  users: UserTable,
  scope: Who,
  size: number,
): Promise<KeySpan[]> {
  const id = users.column('id');
  const rows = await db.execute<{ first_key: string }>(sql`
    select key::text as first_key
    from (
      select ${id} as key, row_number() over (order by ${id}) as n from ${users.table} where ${inScope(users, scope)}
    ) as numbered
    where (n - 1) % ${size}::int = 0 order by n`);
  return rows.map(({ first_key: firstKey }, index) => ({
    firstKey: index === 0 ? null : firstKey,
    nextKey: rows[index + 1]?.first_key ?? null,
  }));
}

/** Which users are in scope and in a span. */
export function inSpan(users: UserTable, scope: Who, { firstKey, nextKey }: KeySpan): SQL {
  const id = users.column('id');
  const from = firstKey === null ? sql`` : sql`and ${id} >= ${users.key(firstKey)}`;
  const before = nextKey === null ? sql`` : sql`and ${id} < ${users.key(nextKey)}`;
  return sql`${inScope(users, scope)} ${from} ${before}`;
}

const inScope = (users: UserTable, { batchId, testUsersOnly }: Who): SQL => sql`true
  ${batchId === undefined ? sql`` : sql`and ${users.column('test_batch_id')} = ${users.batch(batchId)}`}
  ${testUsersOnly ? sql`and ${users.column('is_test_user')}` : sql``}`;

/** The names of the users in scope and in a span. */
export async function namesInSpan(
  db: Executor,
  users: UserTable,
  scope: Who,
  span: KeySpan,
): Promise<string[]> {
  const rows = await db.execute<{ username: string }>(sql`
    select ${users.read('username')}::text as username from ${users.table} where ${inSpan(users, scope, span)}`);
  return rows.map(({ username }) => username);
}
