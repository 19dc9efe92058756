import { storefrontMapping } from '../../../../../shared/contracts/user-mapping.ts';
import type { SyncFault } from '../../../../../shared/contracts/user-sync.ts';
import { readUsersWithDigests } from '../../../../../shared/store/user-sync/synced-users.ts';
import { storefrontUsers, userTable } from '../../../../../shared/store/users/user-table.ts';
import { testDatabases } from '../../../../../test/fixtures/database.ts';
import { updateUsers } from './update-users.ts';

const databases = testDatabases();
const batch = '0198f000-0000-7000-8000-000000000001';
const moment = '2026-01-31T12:00:00Z';

beforeEach(async () => {
  await databases.application.sql`delete from users`;
  await databases.application.sql`
    insert into users (username, email, password_hash, role, is_test_user, test_batch_id)
    select name, name || '@x', '!', 'user', true, ${batch}::uuid from unnest('{a,b,c,d,e}'::text[]) as name`;
  await databases.application.sql`
    insert into users (username, email, password_hash) values ('boss', 'boss@x', '!')`;
});

/** Gives users their addresses, as they are in the application now. */
async function give(
  wanted: Record<string, string>,
  users = storefrontUsers,
): Promise<{ updated: string[]; faults: SyncFault[] }> {
  const { db } = databases.application;
  const found = await readUsersWithDigests(db, users, Object.keys(wanted));
  const faults: SyncFault[] = [];
  const rows = found.map(({ user, digest }) => ({
    ...{ ...user, test_batch_id: batch, email: wanted[user.username] ?? '', password_hash: '!' },
    ...{ updated_at: moment, seen: digest },
  }));
  rows.sort((one, other) => (one.username < other.username ? -1 : 1));
  const deps = { applicationDb: db, testDataDb: databases.testData.db, users };
  return { updated: (await updateUsers(deps, rows, faults)).sort(), faults };
}

async function addresses(): Promise<Record<string, string>> {
  const rows = await databases.application.sql<{ username: string; email: string }[]>`
    select username, email from users`;
  return Object.fromEntries(rows.map(({ username, email }) => [username, email]));
}

const before = { a: 'a@x', b: 'b@x', c: 'c@x', d: 'd@x', e: 'e@x', boss: 'boss@x' };

it.each([
  ['swap', { a: 'b@x', b: 'a@x' }],
  ['pass on in a ring', { a: 'b@x', b: 'c@x', c: 'a@x' }],
  ['pass on in a chain', { a: 'b@x', b: 'c@x', c: 'd@x', d: 'new@x' }],
])('users who %s their addresses have their new ones', async (_how, wanted) => {
  expect(await give(wanted)).toEqual({ updated: Object.keys(wanted), faults: [] });
  expect(await addresses()).toEqual({ ...before, ...wanted });
});

it('those who swap do so beside others who want the address of a production user', async () => {
  const { updated, faults } = await give({ a: 'd@x', b: 'boss@x', c: 'b@x', d: 'a@x', e: 'boss@x' });
  expect(updated).toEqual(['a', 'd']);
  expect(faults.map(({ code, username }) => [code, username]).sort()).toEqual([
    ['email_taken', 'b'],
    ['email_taken', 'c'],
    ['email_taken', 'e'],
  ]);
  expect(await addresses()).toEqual({ ...before, a: 'd@x', d: 'a@x' });
});

it('nobody is left with an address that is nobody’s, should the application not let a new one in', async () => {
  const { sql } = databases.application;
  await sql`create function late() returns trigger language plpgsql as $$ begin
    if new.username = 'b' and new.email = 'a@x' then return null; end if; return new; end $$`;
  await sql`create trigger late before update on users for each row execute function late()`;
  try {
    const { updated, faults } = await give({ a: 'b@x', b: 'a@x' });
    expect({ updated, faults }).toMatchObject({ updated: [], faults: [{ code: 'email_taken' }] });
    expect(await addresses()).toEqual(before);
  } finally {
    await sql`drop function late cascade`;
  }
});

it('addresses are swapped in a narrow column, and refused in one that wants them to look in some way', async () => {
  const { sql } = databases.application;
  await sql`create table narrow (like users including defaults)`;
  await sql`grant select, update on narrow to muster_test_data`;
  await sql`alter table narrow alter column email type varchar(14), add unique (email)`;
  await sql`insert into narrow select * from users`;
  const table = userTable({ ...storefrontMapping, table: 'narrow' });
  expect(await give({ a: 'b@x', b: 'a@x' }, table)).toEqual({ updated: ['a', 'b'], faults: [] });
  await sql`alter table narrow add check (email like '%@x')`;
  const { faults } = await give({ a: 'a@x', b: 'b@x' }, table);
  expect(faults.map(({ code }) => code)).toEqual(['email_taken', 'email_taken']);
});
