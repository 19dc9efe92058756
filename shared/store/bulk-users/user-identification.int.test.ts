import { testDatabases } from '../../../test/fixtures/database.ts';
import { storefrontUsers as users } from '../users/user-table.ts';
import { identifyUsers, sampleUsers } from './user-identification.ts';

const databases = testDatabases();

it('takes a user whose marker is null, as a mapped table may have it, for one of production', async () => {
  const { sql, db } = databases.application;
  await sql.unsafe('alter table users alter column is_test_user drop not null');
  await sql`insert into users (username, email, password_hash, is_test_user) values ('ada', 'ada@shop.jp', 'x', null)`;
  expect(await identifyUsers(db, users, [])).toMatchObject({ test: 0, production: 1 });
  expect(await sampleUsers(db, users, { isTest: false, limit: 5 })).toMatchObject([{ username: 'ada' }]);
  expect(await sampleUsers(db, users, { isTest: true, limit: 5 })).toEqual([]);
});
