import { sql } from 'drizzle-orm';
import type { Executor } from '../../platform/postgres/db.ts';
import type { UserTable } from '../users/user-table.ts';

export interface Taken {
  taken: number;
  example: string | undefined;
}

/** A user to be made. */
interface Wanted {
  username: string;
  email: string;
}

/** How many users of the application have one of these names, and how many others one of the addresses, with one of each. */
export async function countTaken(
  db: Executor,
  users: UserTable,
  wanted: Wanted[],
): Promise<{ names: Taken; addresses: Taken }> {
  const [name, address] = [users.column('username'), users.column('email')];
  const rows = await db.execute<{
    names: number;
    name: string | null;
    addresses: number;
    address: string | null;
  }>(sql`
    with wanted as materialized (
      select username, email from jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) as w (username text, email text)
    )
    select * from (
      select count(*)::int as names, min(${name}) as name from ${users.table}
      where ${name} in (select username from wanted)
    ) as by_name, (
      select count(*)::int as addresses, min(${address}) as address from ${users.table}
      where ${address} in (select email from wanted) and ${name}::text not in (select username from wanted)
    ) as by_address`);
  const [row] = rows;
  return {
    names: { taken: row?.names ?? 0, example: row?.name ?? undefined },
    addresses: { taken: row?.addresses ?? 0, example: row?.address ?? undefined },
  };
}
