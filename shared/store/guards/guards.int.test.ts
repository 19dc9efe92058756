import { randomUUID } from 'node:crypto';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { storefrontMapping } from '../../contracts/user-mapping.ts';
import { testDataRole } from '../../platform/postgres/test-data-role.ts';
import { assertGuards, findGuardFaults } from './faults.ts';
import { guardedUsersOf, reachedByCascade, readGuardGraph } from './graph.ts';
import { readGuardScript } from './script.ts';

const databases = testDatabases();
const owner = () => databases.application.sql;
const faults = (mapping = storefrontMapping) => findGuardFaults(databases.testData.db, mapping);

/** Looks while something is as it should not be, and puts it right. */
async function faultsWhile(wrong: string, right: string): Promise<string[]> {
  await owner().unsafe(wrong);
  return await faults().finally(() => owner().unsafe(right));
}

describe('the guards of the storefront', () => {
  it('are what the migrations made, without a fault', async () => {
    await expect(assertGuards(databases.testData.db, storefrontMapping)).resolves.toBeUndefined();
  });

  it('cover every table that refers to the users, parents first', async () => {
    const { tables } = await readGuardGraph(databases.application.db, guardedUsersOf(storefrontMapping));
    const names = ['users', 'carts', 'orders', 'sessions', 'cart_items', 'order_lines'];
    expect(tables.map(({ name }) => name)).toEqual(names.map(name => `public.${name}`));
    const reached = (...written: string[]) => reachedByCascade(tables, written).map(({ name }) => name);
    expect(reached('public.users')).toEqual(['public.users', 'public.sessions']);
    expect(reached('public.orders')).toEqual(['public.orders', 'public.order_lines']);
  });

  it.each([
    [
      'a cascade into a table that came later',
      'create table likes (user_id uuid references users on delete cascade)',
      'drop table likes',
      'public.likes has no trigger muster_guard (likes_user_id_fkey: on delete cascade)',
    ],
    [
      'a set null into a table that came later',
      'create table likes (user_id uuid constraint of_user references users on delete set null)',
      'drop table likes',
      'public.likes has no trigger muster_guard (of_user: on delete set null)',
    ],
    [
      'a cascade below a table that has none itself, but may be deleted from',
      `create table shipments (order_id int references orders on delete cascade, courier_id uuid references users)`,
      'drop table shipments',
      'public.shipments has no trigger muster_guard (shipments_order_id_fkey: on delete cascade)',
    ],
    [
      'a trigger that is off',
      'alter table users disable trigger muster_guard_delete',
      'alter table users enable always trigger muster_guard_delete',
      'the trigger muster_guard_delete of public.users is not ENABLE ALWAYS',
    ],
    [
      'a trigger that replication would pass by',
      'alter table sessions enable trigger muster_guard',
      'alter table sessions enable always trigger muster_guard',
      'the trigger muster_guard of public.sessions is not ENABLE ALWAYS',
    ],
    [
      'row-level security that is off',
      'alter table orders disable row level security',
      'alter table orders enable row level security',
      'row-level security of public.orders is off',
    ],
    [
      'a policy that is not there',
      'alter policy muster_guard on carts rename to elsewhere',
      'alter policy elsewhere on carts rename to muster_guard',
      `public.carts has no restrictive policy muster_guard for ${testDataRole}`,
    ],
    [
      'a policy that lets everything through',
      'alter policy muster_guard on users using (true)',
      'alter policy muster_guard on users using (is_test_user)',
      'the guards of public.users were changed after they were made',
    ],
    [
      'a trigger that fires on nothing',
      `create or replace trigger muster_guard before delete on sessions for each row when (false)
        execute function muster_guards.rows_of_public_sessions();
        alter table sessions enable always trigger muster_guard`,
      `create or replace trigger muster_guard before insert or update or delete on sessions for each row
        when (session_user = '${testDataRole}') execute function muster_guards.rows_of_public_sessions();
        alter table sessions enable always trigger muster_guard`,
      'the guards of public.sessions were changed after they were made',
    ],
    [
      'a session of the role that passes for another',
      'alter function muster_guards.is_other_session() rename to is_other;' +
        "create function muster_guards.is_other_session() returns boolean language sql immutable as 'select true'",
      'drop function muster_guards.is_other_session();' +
        'alter function muster_guards.is_other() rename to is_other_session',
      'the guards of public.users were changed after they were made',
    ],
    [
      'guards without a seal',
      `create table kept as select obj_description(oid, 'pg_policy') as description from pg_policy
        where polname = 'muster_guard' and polrelid = 'carts'::regclass;
        comment on policy muster_guard on carts is null`,
      `do $$ begin execute format('comment on policy muster_guard on carts is %L', (
        select description from kept)); end $$; drop table kept`,
      'the guards of public.carts were made for something else',
    ],
    [
      'a right to truncate',
      `grant truncate on users to ${testDataRole}`,
      `revoke truncate on users from ${testDataRole}`,
      `${testDataRole} has TRUNCATE on public.users`,
    ],
    [
      'a right to change a marker',
      `grant update (is_test_user) on users to ${testDataRole}`,
      `revoke update (is_test_user) on users from ${testDataRole}`,
      `${testDataRole} may change public.users.is_test_user`,
    ],
    [
      'a right to write to a table that no guard knows, given to everybody',
      'grant insert, delete on products to public',
      'revoke insert, delete on products from public',
      `${testDataRole} has INSERT, DELETE on public.products`,
    ],
    [
      "a right to write to a ledger that is no bulk users'",
      `grant insert, update on muster.notification_ledger to ${testDataRole}`,
      `revoke insert, update on muster.notification_ledger from ${testDataRole}`,
      `${testDataRole} has INSERT, UPDATE on muster.notification_ledger`,
    ],
    [
      'a right to delete what the ledger recorded',
      `grant delete on muster.bulk_chunks to ${testDataRole}`,
      `revoke delete on muster.bulk_chunks from ${testDataRole}`,
      `${testDataRole} has DELETE on muster.bulk_chunks`,
    ],
    [
      'a right to set a sequence',
      `grant update on sequence orders_id_seq to ${testDataRole}`,
      `revoke update on sequence orders_id_seq from ${testDataRole}`,
      `${testDataRole} has UPDATE on public.orders_id_seq`,
    ],
    [
      'a right to create',
      `grant create on schema public to ${testDataRole}`,
      `revoke create on schema public from ${testDataRole}`,
      `${testDataRole} may create objects in schema public`,
    ],
    [
      'an object of its own',
      `create table mine (); alter table mine owner to ${testDataRole}`,
      'drop table mine',
      `${testDataRole} owns table mine`,
    ],
    [
      'a view of names that it cannot read',
      `revoke select on muster_guards.taken_names from ${testDataRole}`,
      `grant select on muster_guards.taken_names to ${testDataRole}`,
      `${testDataRole} cannot read muster_guards.taken_names`,
    ],
    [
      'a marker whose default is not production',
      'alter table users alter column is_test_user set default true',
      'alter table users alter column is_test_user set default false',
      'public.users.is_test_user does not default to false',
    ],
    [
      'markers that nothing ties',
      'alter table users drop constraint users_test_markers',
      'alter table users add constraint users_test_markers check (is_test_user = (test_batch_id is not null))',
      'no check of public.users ties is_test_user to test_batch_id',
    ],
    [
      'a check that has both markers and ties nothing',
      `alter table users drop constraint users_test_markers;
        alter table users add constraint users_test_markers check (is_test_user or test_batch_id is null)`,
      `alter table users drop constraint users_test_markers;
        alter table users add constraint users_test_markers check (is_test_user = (test_batch_id is not null))`,
      'no check of public.users ties is_test_user to test_batch_id',
    ],
  ])('are refused with %s', async (_case, wrong, right, fault) => {
    expect(await faultsWhile(wrong, right)).toContain(fault);
    expect(await faults()).toEqual([]);
  });

  it('are refused with another function behind a trigger', async () => {
    const [{ source } = { source: '' }] = await owner()<{ source: string }[]>`
      select pg_get_functiondef('muster_guards.refuse_row'::regproc) as source`;
    const found = await faultsWhile(
      `create or replace function muster_guards.refuse_row() returns trigger language plpgsql as 'begin return old; end'`,
      source,
    );
    expect(found).toContain(
      'the trigger muster_guard_delete of public.users runs something else than muster_guards.refuse_row',
    );
  });

  it('are refused for another marker than the one that they were made for', async () => {
    const marker = { ...storefrontMapping.columns.is_test_user, name: 'created_by_bulk' };
    const { created_by_bulk: _none, ...columns } = storefrontMapping.columns;
    const found = await faults({ ...storefrontMapping, columns: { ...columns, is_test_user: marker } });
    expect(found).toContain('the guards of public.users were made for something else');
  });

  it('are made again by the script after somebody made them hollow', async () => {
    await owner().unsafe('alter policy muster_guard on users using (true) with check (true)');
    for (const statement of await readGuardScript(databases.application.db, storefrontMapping)) {
      await owner().unsafe(statement);
    }
    expect(await faults()).toEqual([]);
  });

  it('cost other sessions no index, and no privilege on what a row belongs to', async () => {
    const sql = owner();
    const reader = `reader_${randomUUID().slice(0, 8)}`;
    await sql.unsafe(`create role ${reader}; grant usage on schema public to ${reader};
      grant select on sessions, users to ${reader}; create index on users (username text_pattern_ops)`);
    const connection = await sql.reserve();
    await connection.unsafe(`set role ${reader}; set enable_seqscan = off`);
    const plan = await connection.unsafe(`explain select from users where username like 'alice%'`);
    expect(JSON.stringify(plan)).toMatch(/Index Cond: .*alice/);
    expect(JSON.stringify(plan)).not.toContain('is_test_user');
    await connection.unsafe('reset all; reset role');
    await sql.unsafe(`revoke select on users from ${reader}`);
    await connection.unsafe(`set role ${reader}; select from sessions; reset role`);
    connection.release();
    await sql.unsafe(`drop owned by ${reader}; drop role ${reader}`);
  });

  it('are refused to anybody but the role, with every fault and what to do', async () => {
    const refusal = assertGuards(databases.application.db, storefrontMapping);
    await expect(refusal).rejects.toMatchObject({
      code: 'guard_refused',
      message: expect.stringMatching(/is postgres; .* is a superuser; .* has BYPASSRLS/),
      hint: expect.stringContaining('npm run guards:sql'),
    });
  });

  it('let a script run again change nothing', async () => {
    for (const statement of await readGuardScript(databases.application.db, storefrontMapping)) {
      await owner().unsafe(statement);
    }
    expect(await faults()).toEqual([]);
  });
});
