import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { testDatabases } from '../../test/fixtures/database.ts';
import { digestTables, testSnapshots } from '../../test/fixtures/snapshots.ts';
import { isAppError } from '../kernel/errors.ts';
import { waitFor } from '../kernel/time.ts';
import { readManifest } from './snapshot-files.ts';

/**
 * Ten tables that are none of ours, with all that makes an order of tables hard: a cycle that no constraint lets wait,
 * rows of one table that refer to each other, a key of two columns, a table without a key, names that need quotes.
 */
const databases = testDatabases();
const snapshots = testSnapshots();
const { applicationUrl: url } = databases;

const tables = [
  'plant.countries',
  'plant.departments',
  'plant.employees',
  'plant.skills',
  'plant.employee_skills',
  'plant."Order Details"',
  'plant.orders',
  'plant.products',
  'plant.notes',
  'plant.shifts',
];

const marked = 'is_test_data boolean not null default false';
const schema = `
  create schema plant;
  create type plant.level as enum ('novice', 'expert');
  create table plant.countries (code char(2) primary key, name text not null, ${marked});
  create table plant.departments (id serial primary key, name text not null, head_id int not null, ${marked});
  create table plant.employees (id int generated always as identity primary key, name text not null,
    department_id int not null references plant.departments, manager_id int references plant.employees,
    country char(2) references plant.countries, initials text generated always as (left(name, 1)) stored, ${marked});
  alter table plant.departments add foreign key (head_id) references plant.employees;
  create table plant.skills (name text primary key, ${marked});
  create table plant.employee_skills (employee_id int references plant.employees, skill text references plant.skills,
    level plant.level not null, primary key (employee_id, skill), ${marked});
  create table plant.products (maker char(2) references plant.countries, "number" int, price numeric(10, 2) not null,
    primary key (maker, "number"), ${marked});
  create table plant.orders (id bigserial primary key, placed_by int not null references plant.employees, ${marked});
  create table plant."Order Details" ("order" bigint references plant.orders, maker char(2), "product number" int,
    foreign key (maker, "product number") references plant.products, primary key ("order", maker, "product number"),
    ${marked});
  create table plant.notes (body text, ${marked});
  create table plant.shifts (employee_id int references plant.employees on delete cascade, day date, ${marked});`;

/** Some rows of production, then some of test data, in one statement for the cycle. */
const rows = (name: string, first: number, isTest: boolean) => `
  insert into plant.countries values ('${name.slice(0, 2)}', '${name}', ${isTest});
  with e as (insert into plant.employees (id, name, department_id, manager_id, country, is_test_data)
      overriding system value
      select ${first} + i, '${name} ' || i, ${first} + i % 3, case when i > 0 then ${first} + (i * 7) % 20 end,
        '${name.slice(0, 2)}', ${isTest} from generate_series(0, 19) i)
    insert into plant.departments select ${first} + i, '${name}', ${first} + i, ${isTest} from generate_series(0, 2) i;
  insert into plant.skills values ('${name} welding', ${isTest});
  insert into plant.employee_skills select ${first} + i, '${name} welding', 'expert', ${isTest} from generate_series(0, 9) i;
  insert into plant.products select '${name.slice(0, 2)}', i, i * 1.5, ${isTest} from generate_series(1, 5) i;
  insert into plant.orders select ${first} + i, ${first} + i, ${isTest} from generate_series(0, 9) i;
  insert into plant."Order Details" select ${first} + i, '${name.slice(0, 2)}', 1 + i % 5, ${isTest}
    from generate_series(0, 9) i;
  insert into plant.notes values ('twice', ${isTest}), ('twice', ${isTest}), (null, ${isTest}), (E'a\\tb\\\\', ${isTest});
  insert into plant.shifts select ${first} + i, '2026-01-01'::date + i, ${isTest} from generate_series(0, 9) i;`;

/** A role that may read and write the tables and nothing else: it cannot leave triggers out. */
let plainUrl = '';

beforeAll(async () => {
  const { sql } = databases.application;
  await sql.unsafe(schema + rows('Production', 1000, false) + rows('Test', 5000, true));
  const [found] = await sql<{ name: string }[]>`select current_database() as name`;
  const role = `plain_${found?.name}`;
  await sql.unsafe(`
    create role ${role} login password 'plain';
    grant temporary on database ${found?.name} to ${role};
    grant usage on schema plant to ${role};
    grant select, insert, update, delete on all tables in schema plant to ${role};
    grant usage, select, update on all sequences in schema plant to ${role};
    grant select on muster.bulk_chunks to ${role};`);
  const plain = new URL(url);
  plain.username = role;
  plain.password = 'plain';
  plainUrl = plain.href;
  await snapshots.create(url, 'plant', tables);
});
afterAll(async () => {
  const { sql } = databases.application;
  const role = new URL(plainUrl).username;
  await sql.unsafe(`drop owned by ${role}; drop role ${role}`);
});

const digests = () => digestTables(databases.application.sql, tables);
const codeOf = (failing: Promise<unknown>) =>
  failing.then(
    () => 'succeeded',
    (error: unknown) => (isAppError(error) ? `${error.code}: ${error.message}` : String(error)),
  );

/** Changes test rows of all tables, so that nothing is as it was. */
const disturb = () =>
  databases.application.sql.unsafe(`
    update plant.employees set name = 'changed' where is_test_data;
    delete from plant."Order Details" where is_test_data;
    insert into plant.notes values ('more', true);
    insert into plant.countries values ('zz', 'more', true)`);

describe.each([
  ['with the right to leave triggers out', () => url],
  ['as a plain role', () => plainUrl],
])('a schema that is not ours, %s', (_, urlOf) => {
  it('comes back row by row, and production stays', async () => {
    const before = await digests();
    await disturb();
    expect(await digests()).not.toEqual(before);
    const { removedRows } = await snapshots.restore(urlOf(), 'plant');
    expect(removedRows).toBeGreaterThan(20);
    expect(await digests()).toEqual(before);
  });

  it('comes back into tables that have no test rows, and is added to those that have', async () => {
    const before = await digests();
    const { sql } = databases.application;
    await sql.unsafe(`set session_replication_role = replica;
      ${tables.map(table => `delete from ${table} where is_test_data`).join('; ')}; reset session_replication_role;
      insert into plant.skills values ('another', true)`);
    await snapshots.restore(urlOf(), 'plant', { cleanExisting: false });
    await sql`delete from plant.skills where name = 'another'`;
    expect(await digests()).toEqual(before);
    const again = await codeOf(snapshots.restore(urlOf(), 'plant', { cleanExisting: false }));
    expect(again).toMatch(/duplicate key/);
    expect(await digests()).toEqual(before);
  });

  it('leaves sequences above the rows, and never lowers one', async () => {
    const { sql } = databases.application;
    await sql`select setval('plant.orders_id_seq', 9000), setval('plant.employees_id_seq', 1)`;
    await snapshots.restore(urlOf(), 'plant');
    const [next] = await sql`
      select nextval('plant.orders_id_seq')::int as "order", nextval('plant.employees_id_seq')::int as employee`;
    expect(next).toEqual({ order: 9001, employee: 5020 });
  });

  it('is refused when production rows would go, or be left without what they refer to', async () => {
    const { sql } = databases.application;
    await sql`insert into plant.countries values ('xx', 'not in the snapshot', true)`;
    await sql`insert into plant.employees (name, department_id, country) values ('production', 1000, 'xx')`;
    const before = await digests();
    expect(await codeOf(snapshots.restore(urlOf(), 'plant'))).toMatch(/plant\.employees|countries/);
    expect(await digests()).toEqual(before);
    await sql`delete from plant.employees where name = 'production'`;
    await sql`delete from plant.countries where code = 'xx'`;
  });
});

it('lets production refer to a test row all the while, without a wait', async () => {
  const { sql } = databases.application;
  const before = await digests();
  await disturb();
  await sql`update plant.orders set placed_by = 5019 where is_test_data`;
  let restoring: Promise<unknown> = Promise.resolve();
  await sql.begin(async holder => {
    await holder`select from plant.orders where id = 5000 for update`;
    restoring = snapshots.restore(url, 'plant');
    await waitFor('the restore to be past the employees', async () => {
      const waiting = await sql`
        select from pg_stat_activity where application_name = 'test restore' and wait_event_type = 'Lock'`;
      return waiting.length > 0;
    });
    await sql`insert into plant.shifts values (5003, '2031-01-01', false)`;
  });
  await restoring;
  expect(await sql`delete from plant.shifts where day = '2031-01-01' returning employee_id`).toEqual([
    { employee_id: 5003 },
  ]);
  expect(await digests()).toEqual(before);
});

it('does not let a test row go meanwhile that a row which comes back refers to', async () => {
  const { sql } = databases.application;
  const before = await digests();
  await sql.unsafe(`
    create function plant.wait() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock(1); return null; end $$;
    create constraint trigger waits after insert on plant.employee_skills deferrable initially deferred
      for each row execute function plant.wait();
    alter table plant.employee_skills enable always trigger waits;
    delete from plant.employee_skills where is_test_data`);
  let restoring: Promise<unknown> = Promise.resolve();
  await sql.begin(async holder => {
    await holder`select pg_advisory_xact_lock(1)`;
    restoring = snapshots.restore(url, 'plant');
    await waitFor('the restore to be at its commit', async () => {
      const waiting = await sql`
        select from pg_stat_activity where application_name = 'test restore' and wait_event = 'advisory'`;
      return waiting.length > 0;
    });
    const deleting = sql.begin(async tx => {
      await tx`set local lock_timeout = '100ms'`;
      await tx`delete from plant.skills where is_test_data`;
    });
    await expect(deleting).rejects.toThrow(/lock timeout/);
  });
  await restoring;
  await sql.unsafe('drop trigger waits on plant.employee_skills; drop function plant.wait');
  expect(await digests()).toEqual(before);
});

it('knows which keys lead to rows of its own, and looks at the others when it comes back', async () => {
  const { sql } = databases.application;
  await sql`insert into plant.skills values ('painting', false)`;
  await sql`insert into plant.employee_skills values (5000, 'painting', 'novice', true)`;
  const { tables: kept } = await snapshots.create(url, 'open', tables);
  const keysOf = (name: string) => kept.find(table => table.name === name)?.closed_keys;
  expect(keysOf('plant.employee_skills')).toEqual(['employee_skills_employee_id_fkey']);
  expect(keysOf('plant.departments')).toEqual(['departments_head_id_fkey']);
  expect(keysOf('plant.skills')).toEqual([]);
  await sql`delete from plant.employee_skills where skill = 'painting'`;
  await snapshots.restore(url, 'open');
  expect(await sql`delete from plant.employee_skills where skill = 'painting' returning 1`).toHaveLength(1);
  await sql`delete from plant.skills where name = 'painting'`;
  const before = await digests();
  expect(await codeOf(snapshots.restore(url, 'open'))).toMatch(/^conflict: .*employee_skills.*skills/);
  expect(await digests()).toEqual(before);
});

it('comes back where rows have exchanged a unique value', async () => {
  const { sql } = databases.application;
  await sql.unsafe(`create table plant.lockers (id int primary key, label text unique, ${marked});
    insert into plant.lockers select i, 'locker ' || i, i > 2 from generate_series(1, 9) i`);
  const lockers = () => digestTables(sql, ['plant.lockers']);
  await snapshots.create(url, 'lockers', ['plant.lockers']);
  const before = await lockers();
  await sql.unsafe(`update plant.lockers set label = 'moving' where id = 3;
    update plant.lockers set label = 'locker 3' where id = 4; update plant.lockers set label = 'locker 4' where id = 3`);
  expect(await snapshots.restore(url, 'lockers')).toMatchObject({ removedRows: 7, unchangedRows: 0 });
  expect(await lockers()).toEqual(before);
  await sql`update plant.lockers set label = 'other' where id = 5`;
  expect(await snapshots.restore(url, 'lockers')).toMatchObject({ removedRows: 1, unchangedRows: 6 });
  expect(await lockers()).toEqual(before);
});

it('does not let a cascade take a production row', async () => {
  const { sql } = databases.application;
  await sql`insert into plant.shifts values (5003, '2030-01-01', false)`;
  const before = await digests();
  expect(await codeOf(snapshots.restore(plainUrl, 'plant'))).toMatch(/^conflict: .*plant\.shifts/);
  await snapshots.restore(url, 'plant');
  expect(await digests()).toEqual(before);
  await sql`delete from plant.shifts where day = '2030-01-01'`;
});

it('is not made by a role from which row-level security may hide rows', async () => {
  const { sql } = databases.application;
  await sql`alter table plant.notes enable row level security`;
  const refusal = await codeOf(snapshots.create(plainUrl, 'hidden', ['plant.skills', 'plant.notes']));
  expect(refusal).toMatch(/^snapshot_mismatch: .*plant\.notes: row-level security may hide rows/);
  await sql`alter table plant.notes disable row level security`;
  expect(await codeOf(snapshots.create(plainUrl, 'seen', ['plant.skills', 'plant.notes']))).toBe('succeeded');
});

it('has parents before children, and the columns that are not computed', async () => {
  const { tables: kept } = await readManifest(snapshots.store, 'plant');
  const names = kept.map(({ name }) => name);
  expect(names.indexOf('plant.orders')).toBeLessThan(names.indexOf('plant."Order Details"'));
  expect(names.indexOf('plant.countries')).toBeLessThan(names.indexOf('plant.employees'));
  const employees = kept.find(({ name }) => name === 'plant.employees');
  expect(employees?.columns.map(({ name }) => name)).not.toContain('initials');
});

describe('a snapshot that does not fit', () => {
  const fileOf = (name: string, part: string) => join(snapshots.folder, name, part);

  it('tells what differs when the schema has changed', async () => {
    const { sql } = databases.application;
    await sql.unsafe(`alter table plant.notes add author text; alter table plant.products alter price type numeric(9, 3);
      alter table plant.skills rename to abilities`);
    const refusal = await codeOf(snapshots.restore(url, 'plant'));
    expect(refusal).toMatch(/^snapshot_mismatch: /);
    expect(refusal).toContain('plant.notes: column author was not there, is text');
    expect(refusal).toContain(
      'plant.products: column price was numeric(10,2) not null, is numeric(9,3) not null',
    );
    expect(refusal).toContain('plant.skills: is not here');
    await sql.unsafe(`alter table plant.notes drop author; alter table plant.products alter price type numeric(10, 2);
      alter table plant.abilities rename to skills`);
    await snapshots.restore(url, 'plant');
  });

  it('is refused in another database, unless that is asked for', async () => {
    const { sql } = databases.application;
    const name = `${new URL(url).pathname.slice(1)}_copy`;
    await sql.unsafe(`create database ${name}`);
    const copy = new URL(url);
    copy.pathname = name;
    try {
      expect(await codeOf(snapshots.restore(copy.href, 'plant'))).toMatch(
        /^snapshot_mismatch: .*is of the database/,
      );
      const asked = snapshots.restore(copy.href, 'plant', { allowOtherDatabase: true });
      expect(await codeOf(asked)).toMatch(/plant\.notes: is not here/);
    } finally {
      await sql.unsafe(`drop database ${name} with (force)`);
    }
  });

  it.each([
    ['has lost a byte at the end', 'rows', (path: string, bytes: Buffer) => truncate(path, bytes.length - 1)],
    ['is cut in half', 'rows', (path: string, bytes: Buffer) => truncate(path, bytes.length >> 1)],
    ['is empty', 'rows', (path: string) => truncate(path, 0)],
    ['has one bit flipped', 'rows', (path: string, bytes: Buffer) => writeFile(path, flipped(bytes))],
    ['is missing', 'rows', (path: string) => rm(path)],
    ['has one bit flipped', 'manifest', (path: string, bytes: Buffer) => writeFile(path, flipped(bytes))],
    ['is missing', 'manifest', (path: string) => rm(path)],
    ['is no JSON', 'manifest', (path: string) => writeFile(path, '{')],
  ])('is refused when a file %s (%s), and changes nothing', async (what, which, harm) => {
    const name = `harmed-${which}-${what.toLowerCase().replaceAll(' ', '-')}`;
    await snapshots.create(url, name, tables);
    const part = which === 'manifest' ? 'manifest.json' : '004.copy.zst';
    await harm(fileOf(name, part), await readFile(fileOf(name, part)));
    const before = await digests();
    expect(await codeOf(snapshots.restore(url, name))).toMatch(/^snapshot_damaged: /);
    expect(await digests()).toEqual(before);
  });
});

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const middle = copy.length >> 1;
  copy[middle] = (copy[middle] ?? 0) ^ 1;
  return copy;
}
