import { testDatabases } from '../../../test/fixtures/database.ts';
import { poolTable } from '../accounts/account-digests.ts';
import { readFold } from '../accounts/account-fold.ts';
import { markDeleted, upsertAccounts } from '../accounts/accounts.ts';
import { settlePool } from './synced-accounts.ts';

const databases = testDatabases();
const scope = { testUsersOnly: true };

const account = (username: string, role = 'user') => ({
  ...{ username, email: `${username}@example.com`, role },
  ...{ isTestUser: true, testBatchId: null, customAttributes: '{}' },
});

const settled = async () => {
  const rows = await databases.platform.sql<{ username: string }[]>`
    select username from accounts
    where base_digest is not distinct from case when deleted_at is null then digest end order by 1`;
  return rows.map(({ username }) => username);
};

beforeEach(() => databases.platform.sql`delete from accounts`);

it('notes for the whole pool what was proved, and nothing of what was changed since', async () => {
  const { db } = databases.platform;
  await upsertAccounts(db, [account('ann'), account('bob')], { onConflict: 'overwrite' });
  const proved = await readFold(db, poolTable, scope);
  await upsertAccounts(db, [account('ann', 'buyer')], { onConflict: 'overwrite' });
  await settlePool(db, scope, proved);
  expect(await settled()).toEqual([]);
  await settlePool(db, scope, await readFold(db, poolTable, scope));
  expect(await settled()).toEqual(['ann', 'bob']);
});

it('forgets no deletion that came after the proof', async () => {
  const { db } = databases.platform;
  await upsertAccounts(db, [account('ann'), account('bob')], { onConflict: 'overwrite', inSync: true });
  const proved = await readFold(db, poolTable, scope);
  await markDeleted(db, { usernames: ['bob'] });
  await settlePool(db, scope, proved);
  expect(await settled()).toEqual(['ann']);
  await settlePool(db, scope, await readFold(db, poolTable, scope));
  expect(await settled()).toEqual(['ann', 'bob']);
});
