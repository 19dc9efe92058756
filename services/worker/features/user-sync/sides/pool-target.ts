import type { Vault } from '../../../../../shared/platform/crypto.ts';
import type { Executor } from '../../../../../shared/platform/postgres/db.ts';
import {
  listEntries,
  ownPoolTable,
  readBuckets,
  readHashProbe,
  readSubBuckets,
} from '../../../../../shared/store/accounts/account-digests.ts';
import { readFold } from '../../../../../shared/store/accounts/account-fold.ts';
import {
  createPasswordKeeper,
  sealPasswords,
} from '../../../../../shared/store/accounts/account-passwords.ts';
import { markDeleted, upsertAccounts } from '../../../../../shared/store/accounts/accounts.ts';
import {
  pagesOfPool,
  settleAccounts,
  settlePool,
  usersOfPool,
} from '../../../../../shared/store/user-sync/synced-accounts.ts';
import { divideHeld } from './held-users.ts';
import { type Meter, measured } from './meter.ts';
import type { SyncUser, Target, TargetChanges } from './sides.ts';

/** The most bytes of accounts in memory at once, on their way to the application. */
const pageBytes = 8 * 1024 * 1024;

/**
 * The built-in load tester: the pool of accounts in Muster's own database. What a chunk writes and its `done` mark are
 * one transaction.
 */
export function poolTarget(db: Executor, vault: Vault, meter: Meter): Target {
  const keeper = createPasswordKeeper(vault);

  /** An account that the pool has may keep its sealed text: every sealing gives another. */
  async function sealAll(tx: Executor, { users, existing }: TargetChanges): Promise<Map<string, string>> {
    const known = new Map<string, string>();
    const sealed = new Map<string, string>();
    for (const { username, password } of users) {
      if (password === undefined) continue;
      if (existing.has(username)) known.set(username, password);
      else sealed.set(username, keeper.seal(password));
    }
    for (const [username, text] of await sealPasswords(tx, keeper, known)) sealed.set(username, text);
    return sealed;
  }

  return {
    ...measured(
      {
        buckets: scope => readBuckets(db, ownPoolTable, scope),
        fold: scope => readFold(db, ownPoolTable, scope),
        subBuckets: (scope, buckets) => readSubBuckets(db, ownPoolTable, scope, buckets),
        entries: (scope, choice) => listEntries(db, ownPoolTable, scope, choice),
        probe: () => readHashProbe(db),
      },
      meter,
    ),
    bases: () => undefined,
    async *users(usernames, { withPasswords }) {
      for (const page of await pagesOfPool(db, usernames, pageBytes)) {
        const rows = await usersOfPool(db, page.usernames);
        const users = rows.map(({ sealed_password, ...user }) =>
          sealed_password === null || !withPasswords
            ? user
            : { ...user, password: keeper.open(sealed_password) },
        );
        yield { users: meter.counted(users), faults: [] };
      }
    },
    async apply(changes, conclude) {
      const { held: users, faults } = divideHeld(changes.users);
      meter.counted(users);
      await db.transaction(async tx => {
        const sealed = await sealAll(tx, { ...changes, users });
        const counts = await upsertAccounts(tx, accountsOf(users, sealed), {
          onConflict: 'overwrite',
          inSync: true,
        });
        const deleted =
          changes.deletions.length === 0 ? 0 : await markDeleted(tx, { usernames: changes.deletions });
        const gone = changes.deletions.map(username => ({ username, digest: null }));
        await settleAccounts(tx, [...changes.settled, ...gone]);
        await conclude(tx, { ...counts, deleted, failed: faults.length, faults });
      });
    },
    settleAll: (scope, _application, fold) => settlePool(db, scope, fold),
    bytesMoved: () => meter.bytes,
  };
}

const accountsOf = (users: readonly SyncUser[], sealed: ReadonlyMap<string, string>) =>
  users.map(user => ({
    username: user.username,
    email: user.email,
    role: user.role,
    isTestUser: user.is_test_user,
    testBatchId: user.test_batch_id,
    customAttributes: user.custom_attributes,
    sealedPassword: sealed.get(user.username),
    sourceId: user.id,
    createdAt: user.created_at,
    updatedAt: user.updated_at,
  }));
