import { openCredentials } from '../../../../shared/store/bulk-users/batch-credentials.ts';
import type { SyncRunRow } from '../../../../shared/store/user-sync/sync-runs.ts';
import type { UserSyncDeps } from './deps.ts';
import type { SyncUser } from './sides/sides.ts';

/** The fields that decide which password a user has. */
type Named = Pick<SyncUser, 'username' | 'is_test_user' | 'test_batch_id'>;

/**
 * The users with their passwords: of test users only, where they are known. To another Muster and into a file they go
 * when an admin asked; the built-in pool has them in any case.
 */
export async function withPasswords<User extends Named>(
  { db, vault }: Pick<UserSyncDeps, 'db' | 'vault'>,
  { target, withCredentials }: Pick<SyncRunRow, 'target' | 'withCredentials'>,
  users: User[],
): Promise<(User & Pick<SyncUser, 'password'>)[]> {
  if (target.type !== 'load_tester' && !withCredentials) return users;
  const batches = new Set(users.flatMap(({ test_batch_id: batch }) => (batch === null ? [] : [batch])));
  const passwordOf = await openCredentials(db, vault, [...batches]);
  return users.map(user => ({
    ...user,
    password: user.is_test_user ? passwordOf(user.test_batch_id, user.username) : undefined,
  }));
}
