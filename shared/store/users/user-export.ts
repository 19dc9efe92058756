import { type SQL, sql } from 'drizzle-orm';
import type { Executor } from '../../platform/postgres/db.ts';
import { pagesByBytes } from '../pages-by-bytes.ts';
import { type UserRow, userColumns, userOf } from './user-directory.ts';
import type { UserTable } from './user-table.ts';

export interface UserFilter {
  batchId?: string | undefined;
  testUsersOnly?: boolean | undefined;
  /** Changed at this moment or later, as the application tells it. */
  modifiedSince?: Date | undefined;
}

/** The application's users that fit, in pages, in the order of their keys. Ends early when `signal` aborts. */
export function readUsers(
  db: Executor,
  users: UserTable,
  filter: UserFilter,
  options: { pageSize?: number; signal?: AbortSignal } = {},
): AsyncGenerator<UserRow[]> {
  const id = users.column('id');
  const next = (afterId: string | undefined, limit: number) => {
    const wanted = conditionsOf(users, filter);
    if (afterId !== undefined) wanted.push(sql`${id} > ${users.key(afterId)}`);
    return sql`from ${users.table} ${wanted.length > 0 ? sql`where ${sql.join(wanted, sql` and `)}` : sql``}
      order by ${users.table}.${id} limit ${limit}`;
  };
  return pagesByBytes(
    {
      async measure(afterId, limit) {
        const rows = await db.execute<{ bytes: number }>(sql`
          select coalesce(octet_length(${users.read('attributes')}::text), 0) as bytes ${next(afterId, limit)}`);
        return rows.map(({ bytes }) => bytes);
      },
      async read(afterId, limit) {
        const rows = await db.execute<Parameters<typeof userOf>[0]>(sql`
          select ${userColumns(users)} ${next(afterId, limit)}`);
        return rows.map(userOf);
      },
    },
    options,
  );
}

function conditionsOf(users: UserTable, { batchId, testUsersOnly, modifiedSince }: UserFilter): SQL[] {
  return [
    batchId !== undefined && sql`${users.column('test_batch_id')} = ${users.batch(batchId)}`,
    testUsersOnly === true && sql`${users.column('is_test_user')}`,
    modifiedSince && sql`${users.read('updated_at')} >= ${modifiedSince.toISOString()}::timestamptz`,
  ].filter(condition => condition !== undefined && condition !== false);
}
