import { randomUUID } from 'node:crypto';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { entangle, makeOwner, makeProduction } from '../../../test/fixtures/production.ts';
import { storefrontMapping } from '../../contracts/user-mapping.ts';
import { type Database, openDatabase } from '../../platform/postgres/db.ts';
import { testDataRole } from '../../platform/postgres/test-data-role.ts';
import { findGuardFaults } from './faults.ts';
import { guardedUsersOf, readGuardGraph } from './graph.ts';
import { readGuardScript } from './script.ts';

/** The guards as somebody makes them who is no superuser, whom FORCE puts under the policies of his own tables. */
const databases = testDatabases();
const admin = () => databases.application.sql;
const role = `owner_${randomUUID().slice(0, 8)}`;
const faults = () => findGuardFaults(databases.testData.db, storefrontMapping);
let owner: Database;

const unguarded = (table: string): string =>
  `drop policy if exists muster_guard on ${table}; drop policy if exists muster_guard_seen on ${table};
   alter table ${table} disable row level security; alter table ${table} owner to ${role}`;

beforeAll(async () => {
  const { alice } = await makeProduction(admin());
  const tess = await makeOwner(admin(), 'tess', randomUUID());
  await entangle(admin(), { tess, alice });
  const { tables } = await readGuardGraph(databases.application.db, guardedUsersOf(storefrontMapping));
  await admin().unsafe(`drop schema muster_guards cascade; create role ${role} login password 'owner';
    grant all on schema public to ${role}; grant create on database ${new URL(databases.applicationUrl).pathname.slice(1)} to ${role};
    ${tables.map(({ name }) => unguarded(name)).join(';')}`);
  const url = new URL(databases.applicationUrl);
  url.username = role;
  url.password = 'owner';
  owner = openDatabase(url.href, { name: 'test', maxConnections: 1 });
  for (const statement of await readGuardScript(owner.db, storefrontMapping))
    await owner.sql.unsafe(statement);
});
afterAll(async () => {
  await owner.stop();
  await admin().unsafe(`reassign owned by ${role} to current_user; drop owned by ${role}; drop role ${role}`);
});

it('finds no fault in the guards', async () => {
  expect(await faults()).toEqual([]);
});

it('sees all rows of its tables, as before', async () => {
  const [row] =
    await owner.sql`select count(*) filter (where not is_test_user)::int as production from users`;
  expect(row).toEqual({ production: 2 });
});

it('has functions that see what the role must not touch', async () => {
  const sql = databases.testData.sql;
  await admin().unsafe(
    'alter table users disable row level security; alter table attachments disable row level security',
  );
  await expect(sql`delete from attachments`).rejects.toMatchObject({ code: '42501' });
  await expect(sql`delete from users where username = 'alice'`).rejects.toMatchObject({ code: '42501' });
  await admin().unsafe(
    'alter table users enable row level security; alter table attachments enable row level security',
  );
  await expect(sql.unsafe('delete from order_lines; delete from orders')).rejects.toMatchObject({
    code: '42501',
  });
  expect(await sql`select from muster_guards.taken_names where username = 'alice'`).toHaveLength(1);
});

it('is not believed where its functions do not see all rows', async () => {
  await owner.sql.unsafe(`alter policy muster_guard_seen on tickets to ${testDataRole}`);
  expect(await faults()).toEqual([
    'row-level security hides rows of public.tickets from the functions of the guards',
  ]);
});
