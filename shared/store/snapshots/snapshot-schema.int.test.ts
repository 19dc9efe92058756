import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endOf, marked, plantTables, testPlant } from '../../../test/fixtures/plant.ts';
import { digestTables } from '../../../test/fixtures/snapshots.ts';
import { readManifest } from './snapshot-files.ts';

const plant = testPlant();

describe.each([
  ['with the right to leave triggers out', () => plant.url],
  ['as a plain role', () => plant.plainUrl],
])('a schema that is not ours, %s', (_, urlOf) => {
  it('comes back row by row, and production stays', async () => {
    const before = await plant.digests();
    await plant.disturb();
    expect(await plant.digests()).not.toEqual(before);
    const { removedRows } = await plant.snapshots.restore(urlOf(), 'plant');
    expect(removedRows).toBeGreaterThan(20);
    expect(await plant.digests()).toEqual(before);
  });

  it('comes back into tables that have no test rows, and is added to those that have', async () => {
    const before = await plant.digests();
    const { sql } = plant.databases.application;
    await sql.unsafe(`set session_replication_role = replica;
      ${plantTables.map(table => `delete from ${table} where is_test_data`).join('; ')}; reset session_replication_role;
      insert into plant.skills values ('another', true)`);
    await plant.snapshots.restore(urlOf(), 'plant', { cleanExisting: false });
    await sql`delete from plant.skills where name = 'another'`;
    expect(await plant.digests()).toEqual(before);
    const again = await endOf(plant.snapshots.restore(urlOf(), 'plant', { cleanExisting: false }));
    expect(again).toMatch(/duplicate key/);
    expect(await plant.digests()).toEqual(before);
  });

  it('leaves sequences above the rows, and never lowers one', async () => {
    const { sql } = plant.databases.application;
    await sql`select setval('plant.orders_id_seq', 9000), setval('plant.employees_id_seq', 1)`;
    await plant.snapshots.restore(urlOf(), 'plant');
    const [next] = await sql`
      select nextval('plant.orders_id_seq')::int as "order", nextval('plant.employees_id_seq')::int as employee`;
    expect(next).toEqual({ order: 9001, employee: 5020 });
  });

  it('is refused when production rows would go, or be left without what they refer to', async () => {
    const { sql } = plant.databases.application;
    await sql`insert into plant.countries values ('xx', 'not in the snapshot', true)`;
    await sql`insert into plant.employees (name, department_id, country) values ('production', 1000, 'xx')`;
    const before = await plant.digests();
    expect(await endOf(plant.snapshots.restore(urlOf(), 'plant'))).toMatch(/plant\.employees|countries/);
    expect(await plant.digests()).toEqual(before);
    await sql`delete from plant.employees where name = 'production'`;
    await sql`delete from plant.countries where code = 'xx'`;
  });
});

it('comes back where rows have exchanged a unique value', async () => {
  const { sql } = plant.databases.application;
  await sql.unsafe(`create table plant.lockers (id int primary key, label text unique, ${marked});
    insert into plant.lockers select i, 'locker ' || i, i > 2 from generate_series(1, 9) i`);
  const lockers = () => digestTables(sql, ['plant.lockers']);
  await plant.snapshots.create(plant.url, 'lockers', ['plant.lockers']);
  const before = await lockers();
  await sql.unsafe(`update plant.lockers set label = 'moving' where id = 3;
    update plant.lockers set label = 'locker 3' where id = 4; update plant.lockers set label = 'locker 4' where id = 3`);
  expect(await plant.snapshots.restore(plant.url, 'lockers')).toMatchObject({
    removedRows: 7,
    unchangedRows: 0,
  });
  expect(await lockers()).toEqual(before);
  await sql`update plant.lockers set label = 'other' where id = 5`;
  expect(await plant.snapshots.restore(plant.url, 'lockers')).toMatchObject({
    removedRows: 1,
    unchangedRows: 6,
  });
  expect(await lockers()).toEqual(before);
});

it('writes no row but those that differ', async () => {
  const { sql } = plant.databases.application;
  await sql.unsafe(`create table plant.badges (series text, level numeric, holder text unique, note text, ${marked}, primary key (level, series));
    insert into plant.badges select 'a', (i || '.0')::numeric, 'holder ' || i, nullif(i, 7), i > 2 from generate_series(1, 20) i`);
  const badges = () => digestTables(sql, ['plant.badges']);
  const versions = () => sql`select series, level::text, xmin::text from plant.badges order by level`;
  await plant.snapshots.create(plant.url, 'badges', ['plant.badges']);
  const [before, written] = [await badges(), await versions()];
  await sql.unsafe(`
    update plant.badges set level = 4.00 where level = 4;
    update plant.badges set holder = 'other' where level = 5;
    update plant.badges set note = 'a note' where level = 7;
    delete from plant.badges where level in (6, 8);
    insert into plant.badges values ('b', 6, 'holder 6', null, true), ('b', 9, 'another', null, true)`);
  expect(await plant.snapshots.restore(plant.url, 'badges')).toMatchObject({
    removedRows: 5, // 4.00, 5 and 7 of a, 6 and 9 of b
    unchangedRows: 13, // of 18
  });
  expect(await badges()).toEqual(before);
  const untouched = (await versions()).filter((row, index) => row.xmin === written[index]?.xmin);
  expect(untouched).toHaveLength(15); // and the two production rows
});

it('is not made by a role from which row-level security may hide rows', async () => {
  const { sql } = plant.databases.application;
  await sql`alter table plant.notes enable row level security`;
  const refusal = await endOf(
    plant.snapshots.create(plant.plainUrl, 'hidden', ['plant.skills', 'plant.notes']),
  );
  expect(refusal).toMatch(/^snapshot_mismatch: .*plant\.notes: row-level security may hide rows/);
  await sql`alter table plant.notes disable row level security`;
  expect(await endOf(plant.snapshots.create(plant.plainUrl, 'seen', ['plant.skills', 'plant.notes']))).toBe(
    'succeeded',
  );
});

it('has parents before children, and the columns that are not computed', async () => {
  const { tables: kept } = await readManifest(plant.snapshots.store, 'plant');
  const names = kept.map(({ name }) => name);
  expect(names.indexOf('plant.orders')).toBeLessThan(names.indexOf('plant."Order Details"'));
  expect(names.indexOf('plant.countries')).toBeLessThan(names.indexOf('plant.employees'));
  const employees = kept.find(({ name }) => name === 'plant.employees');
  expect(employees?.columns.map(({ name }) => name)).not.toContain('initials');
});

describe('a snapshot that does not fit', () => {
  const fileOf = (name: string, part: string) => join(plant.snapshots.folder, name, part);

  it('tells what differs when the schema has changed', async () => {
    const { sql } = plant.databases.application;
    await sql.unsafe(`alter table plant.notes add author text; alter table plant.products alter price type numeric(9, 3);
      alter table plant.skills rename to abilities`);
    const refusal = await endOf(plant.snapshots.restore(plant.url, 'plant'));
    expect(refusal).toMatch(/^snapshot_mismatch: /);
    expect(refusal).toContain('plant.notes: column author was not there, is text');
    expect(refusal).toContain(
      'plant.products: column price was numeric(10,2) not null, is numeric(9,3) not null',
    );
    expect(refusal).toContain('plant.skills: is not here');
    await sql.unsafe(`alter table plant.notes drop author; alter table plant.products alter price type numeric(10, 2);
      alter table plant.abilities rename to skills`);
    await plant.snapshots.restore(plant.url, 'plant');
  });

  it('is refused in another database, unless that is asked for', async () => {
    const { sql } = plant.databases.application;
    const name = `${new URL(plant.url).pathname.slice(1)}_copy`;
    await sql.unsafe(`create database ${name}`);
    const copy = new URL(plant.url);
    copy.pathname = name;
    try {
      expect(await endOf(plant.snapshots.restore(copy.href, 'plant'))).toMatch(
        /^snapshot_mismatch: .*is of the database/,
      );
      const asked = plant.snapshots.restore(copy.href, 'plant', { allowOtherDatabase: true });
      expect(await endOf(asked)).toMatch(/plant\.notes: is not here/);
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
    await plant.snapshots.create(plant.url, name, plantTables);
    const part = which === 'manifest' ? 'manifest.json' : '004.copy.zst';
    await harm(fileOf(name, part), await readFile(fileOf(name, part)));
    const before = await plant.digests();
    expect(await endOf(plant.snapshots.restore(plant.url, name))).toMatch(/^snapshot_damaged: /);
    expect(await plant.digests()).toEqual(before);
  });
});

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const middle = copy.length >> 1;
  copy[middle] = (copy[middle] ?? 0) ^ 1;
  return copy;
}
