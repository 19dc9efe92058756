import type { SyncFault } from '../../../../../shared/contracts/user-sync.ts';
import type { Executor } from '../../../../../shared/platform/postgres/db.ts';
import { sqlStateOf } from '../../../../../shared/platform/postgres/sql-state.ts';
import { exchangeAddresses } from '../../../../../shared/store/user-sync/exchanged-addresses.ts';
import {
  type IncomingUser,
  updateIncomingUsers,
} from '../../../../../shared/store/user-sync/incoming-users.ts';
import { readApplicationUsers } from '../../../../../shared/store/user-sync/synced-users.ts';
import type { UserTable } from '../../../../../shared/store/users/user-table.ts';
import { addressChains } from './address-chains.ts';
import { blamesARow, withCare } from './with-care.ts';

interface Application {
  /** Its database, to read, and for the role that may write to test users only. */
  applicationDb: Executor;
  testDataDb: Executor;
  users: UserTable;
}

/**
 * Changes users of the application, each fault for itself. Where one is refused, those who pass addresses on to each
 * other stay together as long as they can: each alone would find its address taken.
 * @returns the usernames of those who were changed
 */
export async function updateUsers(
  deps: Application,
  rows: readonly IncomingUser[],
  faults: SyncFault[],
): Promise<string[]> {
  if (rows.length === 0) return [];
  const write = (some: readonly IncomingUser[]) => updateOrExchange(deps, some);
  try {
    return await write(rows);
  } catch (error) {
    if (!blamesARow(error)) throw error;
    const names = rows.map(({ username }) => username);
    const found = await readApplicationUsers(deps.applicationDb, deps.users, names);
    const addresses = new Map(found.map(({ username, email }) => [username, email]));
    return withCare(addressChains(rows, addresses), write, faults);
  }
}

const uniqueViolation = '23505';

/** @throws what the plain update throws, where an exchange does not help either */
async function updateOrExchange(
  { testDataDb, users }: Application,
  rows: readonly IncomingUser[],
): Promise<string[]> {
  try {
    return await testDataDb.transaction(tx => updateIncomingUsers(tx, users, rows));
  } catch (error) {
    if (rows.length === 1 || sqlStateOf(error) !== uniqueViolation) throw error;
    const exchanged = await exchangeAddresses(testDataDb, users, rows).catch((second: unknown) => {
      if (!blamesARow(second)) throw second;
    });
    if (exchanged === undefined) throw error;
    return exchanged;
  }
}
