import { storefrontMapping } from '../../../../../shared/contracts/user-mapping.ts';
import { newId } from '../../../../../shared/kernel/ids.ts';
import { upsertAccounts } from '../../../../../shared/store/accounts/accounts.ts';
import { readUsersWithDigests } from '../../../../../shared/store/user-sync/synced-users.ts';
import { userTable } from '../../../../../shared/store/users/user-table.ts';
import { testDatabases } from '../../../../../test/fixtures/database.ts';
import { testVault } from '../../../../../test/fixtures/vault.ts';
import { createMeter } from '../sides/meter.ts';
import { poolTarget } from '../sides/pool-target.ts';
import { takeOver } from './take-over.ts';

const databases = testDatabases();
const users = userTable(storefrontMapping);

it('who was renamed at the load tester is renamed in the application, with the address that the old name had', async () => {
  const { application, platform, testData } = databases;
  const email = 'ann@shop.example';
  const batch = newId();
  await application.sql`
    insert into users (username, email, password_hash, role, is_test_user, test_batch_id)
    values ('ann', ${email}, '!', 'user', true, ${batch})`;
  const renamed = { username: 'anna', email, role: 'user', isTestUser: true, testBatchId: batch };
  await upsertAccounts(platform.db, [{ ...renamed, customAttributes: '{}' }], { onConflict: 'overwrite' });
  const [seen] = await readUsersWithDigests(application.db, users, ['ann']);
  const target = poolTarget(platform.db, testVault, createMeter());
  const applicationDeps = { applicationDb: application.db, testDataDb: testData.db, users, references: [] };
  const change = { users: ['anna'], deletions: ['ann'], wanted: new Map<string, string>() };
  const outcome = await takeOver(
    { target, applicationDeps },
    { ...change, seen: new Map([['ann', seen?.digest ?? '']]) },
  );
  expect(outcome).toMatchObject({ created: 1, deleted: new Set(['ann']), faults: [] });
  const left = await application.sql`select username, email from users where test_batch_id = ${batch}`;
  expect(left).toEqual([{ username: 'anna', email }]);
});
