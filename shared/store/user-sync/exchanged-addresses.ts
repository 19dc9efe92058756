import { sql, TransactionRollbackError } from 'drizzle-orm';
import type { Executor } from '../../platform/postgres/db.ts';
import type { UserTable } from '../users/user-table.ts';
import { readUserWidths } from '../users/user-table-columns.ts';
import { type IncomingUser, incoming, isAsSeen, updateIncomingUsers } from './incoming-users.ts';
import { digestOf } from './synced-users.ts';

/** No address ends so: RFC 2606 keeps the domain free. */
const nowhere = '@x.invalid';
/** Digits that tell one parked address from another. */
const fewestDigits = 12;
const mostDigits = 32;

/**
 * Changes test users who take addresses over from each other, which a unique index that is checked row by row refuses:
 * first whoever gets another address gives the old one up for one that is nobody's, then all get their own. One
 * transaction, over the role for test data: nobody else sees the addresses between.
 * @returns the usernames of those who were changed, as `updateIncomingUsers` does; undefined when nobody was, because
 * the application keeps one who gave up its address from having the new one
 * @throws SQLSTATE 23505 when an address is taken by somebody else
 */
export async function exchangeAddresses(
  db: Executor,
  users: UserTable,
  rows: readonly IncomingUser[],
): Promise<string[] | undefined> {
  try {
    return await db.transaction(async tx => {
      const parked = await parkAddresses(tx, users, rows);
      const arriving = rows.map(row => ({ ...row, seen: parked.get(row.username) ?? row.seen }));
      const written = await updateIncomingUsers(tx, users, arriving);
      const arrived = new Set(written);
      if (![...parked.keys()].every(username => arrived.has(username))) tx.rollback();
      return written;
    });
  } catch (error) {
    if (error instanceof TransactionRollbackError) return undefined;
    throw error;
  }
}

/** @returns by username, the digests of those who gave up their address */
async function parkAddresses(
  tx: Executor,
  users: UserTable,
  rows: readonly IncomingUser[],
): Promise<Map<string, string>> {
  const { email } = await readUserWidths(tx, users);
  const room = (email?.width ?? Number.POSITIVE_INFINITY) - nowhere.length;
  const digits = sql`replace(gen_random_uuid()::text, '-', '')`;
  // In a column too narrow for both, the digits alone: no address is without an @.
  const address =
    room < fewestDigits
      ? sql`left(${digits}, ${email?.width ?? mostDigits}::int)`
      : sql`left(${digits}, ${Math.min(mostDigits, room)}::int) || ${nowhere}::text`;
  const parked = await tx.execute<{ username: string; digest: string }>(sql`
    update ${users.table} as u set ${users.column('email')} = ${address} from ${incoming(rows)}
    where ${isAsSeen(users)} and ${users.read('email', 'u')}::text <> incoming.email
    returning u.${users.column('username')}::text as username, ${digestOf(users, 'u')}::text as digest`);
  return new Map(parked.map(({ username, digest }) => [username, digest]));
}
