import { sql } from 'drizzle-orm';
import type { Executor } from '../platform/db.ts';
import type { UserTable } from './user-table.ts';

/** How many of these names a user of the application has, and one of them. */
export async function countTaken(
  db: Executor,
  users: UserTable,
  usernames: string[],
): Promise<{ taken: number; example: string | undefined }> {
  if (usernames.length === 0) return { taken: 0, example: undefined };
  const name = users.column('username');
  const [row] = await db.execute<{ taken: number; example: string | null }>(sql`
    select count(*)::int as taken, min(${name}) as example from ${users.table}
    where ${name} in (select jsonb_array_elements_text(${JSON.stringify(usernames)}::jsonb))`);
  return { taken: row?.taken ?? 0, example: row?.example ?? undefined };
}
