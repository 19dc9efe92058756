import { testDatabases } from '../../../test/fixtures/database.ts';
import { storefrontUsers as users } from '../users/user-table.ts';
import { deleteIncomingUsers, insertIncomingUsers, updateIncomingUsers } from './incoming-users.ts';
import { readUsersWithDigests } from './synced-users.ts';

const databases = testDatabases();
const batch = '0198f000-0000-7000-8000-000000000001';
const moment = '2026-01-31T12:00:00Z';

const incoming = (username: string, seen?: string) => ({
  ...{ username, email: `${username}@example.com`, role: 'buyer', custom_attributes: '{}' },
  ...{ test_batch_id: batch, created_at: moment, updated_at: moment, password_hash: '!', seen },
});

async function digestOf(username: string): Promise<string> {
  const [found] = await readUsersWithDigests(databases.application.db, users, [username]);
  if (found === undefined) throw new Error(`There is no ${username}`);
  return found.digest;
}

beforeEach(async () => {
  const { sql } = databases.application;
  await sql`delete from muster.bulk_chunks`;
  await sql`delete from users`;
  await insertIncomingUsers(databases.testData.db, users, [incoming('ann'), incoming('bob')]);
});

it('a user who was changed since it was looked at is neither changed nor deleted', async () => {
  const { db } = databases.testData;
  const [ann, bob] = [await digestOf('ann'), await digestOf('bob')];
  await databases.application.sql`update users set role = 'late' where username = 'bob'`;
  const changed = [incoming('ann', ann), incoming('bob', bob)].map(user => ({ ...user, role: 'seller' }));
  expect(await updateIncomingUsers(db, users, changed)).toEqual(['ann']);
  const seen = [
    { username: 'ann', digest: await digestOf('ann') },
    { username: 'bob', digest: bob },
  ];
  expect(await deleteIncomingUsers(db, users, [], seen)).toEqual(['ann']);
  const left = await databases.application.sql`select username, role from users`;
  expect([...left]).toEqual([{ username: 'bob', role: 'late' }]);
});
