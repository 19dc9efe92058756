import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { userMappingSchema } from '../../contracts/user-mapping.ts';
import { withCopyConnection } from '../../platform/postgres/copy-connection.ts';
import { openDatabase } from '../../platform/postgres/db.ts';
import { testDataRole } from '../../platform/postgres/test-data-role.ts';
import { findGuardFaults } from './faults.ts';
import { readGuardScript } from './script.ts';

const databases = testDatabases();
const owner = () => databases.application.sql;
const faults = (mapping: typeof otherMapping) => findGuardFaults(databases.testData.db, mapping);

/** The account table of another application, with children of several kinds. */
const otherApplication = `
  create schema crm;
  create table crm."Account" (
    account_no bigint generated always as identity primary key, "Login" text not null unique, mail text not null,
    secret text, testing boolean, run text);
  create table crm.device (id int primary key, account bigint references crm."Account" on delete cascade,
    parent int references crm.device on delete cascade);
  create table crm.transfer (id int primary key, giver bigint references crm."Account" on delete cascade,
    taker bigint references crm."Account");
  create table crm.ping (device int references crm.device on delete set null, at timestamptz);
  create table crm.news (id int primary key);
  create table crm.tenant_note (id int primary key, account bigint references crm."Account");
  alter table crm.tenant_note enable row level security;
  create policy tenant on crm.tenant_note using (id < 100);`;
const otherMapping = userMappingSchema.parse({
  schema: 'crm',
  table: 'Account',
  columns: {
    id: { name: 'account_no', type: 'bigint' },
    username: { name: 'Login', type: 'text' },
    email: { name: 'mail', type: 'text' },
    password_hash: 'secret',
    is_test_user: 'testing',
    test_batch_id: { name: 'run', type: 'text' },
    created_at: 'created_at',
    updated_at: 'updated_at',
  },
});

describe('the guards of another application', () => {
  const script = () => readGuardScript(databases.application.db, otherMapping);
  const otherFaults = () => faults(otherMapping).then(found => found.filter(fault => fault.includes('crm.')));

  beforeAll(async () => {
    await owner().unsafe(otherApplication);
    expect(await otherFaults()).toContain('crm."Account" has no trigger muster_guard_delete');
    for (const statement of await script()) await owner().unsafe(statement);
  });

  it('are the same, whatever its tables are called', async () => {
    expect(await otherFaults()).toEqual([]);
    const role = databases.testData.sql;
    await owner()`insert into crm."Account" ("Login", mail) values ('real', 'real@crm')`;
    await role`insert into crm."Account" ("Login", mail, testing, run) values ('t', 't@crm', true, ${randomUUID()})`;
    expect((await role`delete from crm."Account"`).count).toBe(1);
    await expect(role`insert into crm."Account" ("Login", mail) values ('x', 'x')`).rejects.toMatchObject({
      code: '42501',
    });
  });

  it('leave the policies that it has to it', async () => {
    const policies = await owner()`
      select policyname, roles, permissive from pg_policies where tablename = 'tenant_note' order by 1`;
    expect([...policies]).toEqual([
      { policyname: 'muster_guard', roles: ['public'], permissive: 'RESTRICTIVE' },
      { policyname: 'muster_guard_seen', roles: [testDataRole], permissive: 'PERMISSIVE' },
      { policyname: 'tenant', roles: ['public'], permissive: 'PERMISSIVE' },
    ]);
  });

  it('name a table or a column that is not there', async () => {
    const elsewhere = { ...otherMapping, table: 'nobody' };
    await expect(readGuardScript(databases.application.db, elsewhere)).rejects.toMatchObject({
      code: 'not_found',
      message: 'There is no table crm.nobody with the columns named',
    });
  });
});

describe('a table whose key is a number of a sequence', () => {
  const mapping = userMappingSchema.parse({
    ...otherMapping,
    table: 'member',
    columns: { ...otherMapping.columns, id: { name: 'id', type: 'bigint' }, is_test_user: 'testing' },
  });
  const add = () =>
    databases.testData
      .sql`insert into crm.member ("Login", mail, testing, run) values (${randomUUID()}, 'm', true, 'r')`;

  it('gets users from the role, which may take numbers and not set them', async () => {
    await owner().unsafe(`create table crm.member (id bigserial primary key, "Login" text unique, mail text,
      secret text, testing boolean not null, run text)`);
    for (const statement of await readGuardScript(databases.application.db, mapping)) {
      await owner().unsafe(statement);
    }
    await add();
    await expect(databases.testData.sql`select setval('crm.member_id_seq', 1)`).rejects.toMatchObject({
      code: '42501',
    });
    await owner().unsafe(`revoke usage on sequence crm.member_id_seq from ${testDataRole}`);
    await expect(add()).rejects.toMatchObject({ code: '42501' });
    expect(await faults(mapping)).toEqual([`${testDataRole} may not use the sequence crm.member_id_seq`]);
    await owner().unsafe('drop table crm.member cascade');
  });
});

describe('an owner that is no superuser', () => {
  it('works with the guarded tables as before, but for COPY into them', async () => {
    const sql = owner();
    const role = `owner_${randomUUID().slice(0, 8)}`;
    await sql.unsafe(`create role ${role} login password 'owner'; grant usage on schema public to ${role};
      alter table users owner to ${role}; alter table sessions owner to ${role}`);
    const url = new URL(databases.applicationUrl);
    url.username = role;
    url.password = 'owner';
    const pool = openDatabase(url.href, { name: 'test', maxConnections: 1 });
    const copied = withCopyConnection(
      url.href,
      { name: 'test', signal: AbortSignal.timeout(5000) },
      connection => connection.copyIn('copy users from stdin', Readable.from([Buffer.from('')])),
    );
    try {
      await pool.sql`insert into users (username, email, password_hash) values ('own', 'own', 'x')`;
      await pool.sql`insert into sessions (user_id, token_hash, expires_at) select id, 'own', now() from users`;
      expect((await pool.sql`update users set role = 'admin'`).count).toBe(1);
      expect((await pool.sql`delete from users`).count).toBe(1);
      await expect(copied).rejects.toMatchObject({ code: '0A000' });
    } finally {
      await pool.stop();
      await sql.unsafe(`reassign owned by ${role} to current_user; drop owned by ${role}; drop role ${role}`);
    }
  });
});
