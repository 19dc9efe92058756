import { sql } from 'drizzle-orm';
import type { Executor } from '../../platform/postgres/db.ts';
import { type UserRow, userColumns, userOf } from './user-directory.ts';
import type { UserTable } from './user-table.ts';

export interface UserFilter {
  batchId?: string | undefined;
  testUsersOnly?: boolean | undefined;
  /** Changed at this moment or later, as the application tells it. */
  modifiedSince?: Date | undefined;
}

/**
 * The application's users that fit, page by page in the order of their keys, each as it is when its page is read: no
 * transaction waits for a slow reader. Ends early when `signal` aborts.
 */
export async function* readUsers(
  db: Executor,
  users: UserTable,
  filter: UserFilter,
  { pageSize = 1000, signal }: { pageSize?: number; signal?: AbortSignal } = {},
): AsyncGenerator<UserRow[]> {
  let afterId: string | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const rows: UserRow[] = await readPage(db, users, filter, { afterId, limit: pageSize });
    if (rows.length > 0) yield rows;
    if (rows.length < pageSize) return;
    afterId = rows.at(-1)?.id;
  }
}

async function readPage(
  db: Executor,
  users: UserTable,
  { batchId, testUsersOnly, modifiedSince }: UserFilter,
  { afterId, limit }: { afterId: string | undefined; limit: number },
): Promise<UserRow[]> {
  const id = users.column('id');
  const wanted = [
    afterId !== undefined && sql`${id} > ${users.key(afterId)}`,
    batchId !== undefined && sql`${users.column('test_batch_id')} = ${users.batch(batchId)}`,
    testUsersOnly === true && sql`${users.column('is_test_user')}`,
    modifiedSince && sql`${users.read('updated_at')} >= ${modifiedSince.toISOString()}::timestamptz`,
  ].filter(condition => condition !== undefined && condition !== false);
  const rows = await db.execute<Parameters<typeof userOf>[0]>(sql`
    select ${userColumns(users)} from ${users.table}
    ${wanted.length > 0 ? sql`where ${sql.join(wanted, sql` and `)}` : sql``}
    order by ${users.table}.${id} limit ${limit}`);
  return rows.map(userOf);
}
