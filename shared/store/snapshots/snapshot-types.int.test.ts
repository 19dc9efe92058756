import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { madeTypes, valuesOfTypes } from '../../../test/fixtures/postgres-values.ts';
import { digestTables, testSnapshots } from '../../../test/fixtures/snapshots.ts';
import { type SnapshotManifest, sealManifest } from '../../contracts/snapshots.ts';
import { withCopyConnection } from '../../platform/postgres/copy-connection.ts';
import { type JsonRow, linesOf, parseRow } from '../copy-text.ts';
import { readManifest } from './snapshot-files.ts';
import { listRows } from './snapshot-rows.ts';
import { speakExactly } from './snapshot-tables.ts';

const databases = testDatabases();
const snapshots = testSnapshots();
const { signal } = new AbortController();

/** Whose binary form has numbers in it that another database has otherwise, or depends on its settings. */
const goAsText = ['public.pair', 'public.positive', 'public.mood[]', 'xml', 'money', 'tsvector'];
const rarelyUsed = ['bit', 'bit varying', 'tstzrange', 'int4multirange', 'point'];
const everyType = Object.keys(valuesOfTypes);
const tables = [
  ['every_type', 'text', everyType],
  [
    'binary_types',
    'binary',
    everyType.filter(type => !goAsText.includes(type) && !rarelyUsed.includes(type)),
  ],
] as const;

beforeAll(async () => {
  const { sql } = databases.application;
  await sql.unsafe(madeTypes);
  for (const [name, , types] of tables) {
    const columns = types.map((type, index) => `c${index} ${type}`);
    await sql.unsafe(`create table ${name} (id bigint generated always as identity primary key, ${columns.join(', ')},
      is_test_data boolean not null default false, twice smallint generated always as (c0 / 2) stored)`);
  }
});

it.each(tables)(
  'brings every value back, to the byte, and lists it, of table %s as %s',
  async (table, encoding, types) => {
    const { sql } = databases.application;
    const names = types.map((_, index) => `c${index}`);
    const places = types.map((type, index) => `$${index + 1}::text::${type}`);
    const row = fc.tuple(...types.map(type => fc.option(valuesOfTypes[type] ?? fc.constant(''))));
    const insert = (values: (string | null)[], isTestData: boolean) =>
      sql.unsafe(
        `insert into ${table} (${names.join(', ')}, is_test_data) values (${places.join(', ')}, ${isTestData})`,
        values,
      );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 12 }), async rows => {
        run += 1;
        await sql.unsafe(`truncate ${table}`);
        await insert(['1', ...names.slice(1).map(() => null)], false);
        for (const values of rows) await insert(values, true);
        const before = await digestTables(sql, [table]);
        const manifest = await snapshots.create(databases.applicationUrl, `${encoding}-${run}`, [table]);
        expect(manifest.tables).toMatchObject([{ rows: rows.length, encoding }]);
        expect(await listed(manifest)).toEqual(await rowsAsText(manifest));
        await sql.unsafe(`update ${table} set c7 = 'changed' where is_test_data`);
        await snapshots.restore(databases.applicationUrl, `${encoding}-${run}`);
        expect(await digestTables(sql, [table])).toEqual(before);
      }),
      { numRuns: 15 },
    );
  },
);

it('takes a snapshot that an earlier version made', async () => {
  const { sql } = databases.application;
  await sql`delete from every_type where is_test_data`;
  await sql`insert into every_type (c0, c7, is_test_data) values (7, 'then', true), (8, E'two\nlines', true)`;
  const before = await digestTables(sql, ['every_type']);
  const { tables: made, ...manifest } = await snapshots.create(databases.applicationUrl, 'early', [
    'every_type',
  ]);
  const asThen = made.map(({ encoding: _, row_digest: __, ...kept }) => kept);
  const early = sealManifest({ ...manifest, format: 1, tables: asThen });
  await writeFile(join(snapshots.folder, 'early', 'manifest.json'), JSON.stringify(early));
  expect(await listed(await readManifest(snapshots.store, 'early'))).toMatchObject([
    { c0: 7, c7: 'then' },
    { c0: 8, c7: 'two\nlines' },
  ]);
  await sql`delete from every_type where is_test_data`;
  await snapshots.restore(databases.applicationUrl, 'early');
  expect(await digestTables(sql, ['every_type'])).toEqual(before);
});

it('restores an enumeration into a database where it has another number', async () => {
  const { sql } = databases.application;
  await sql`create table moods (id int primary key, mood mood, is_test_data boolean not null)`;
  await sql`insert into moods select i, (enum_range(null::mood))[i], true from generate_series(1, 3) i`;
  const manifest = await snapshots.create(databases.applicationUrl, 'moods', ['moods']);
  expect(manifest.tables).toMatchObject([{ encoding: 'binary' }]);
  await sql.unsafe('alter type mood rename to old_mood');
  await sql.unsafe(madeTypes.split(';')[0] ?? '');
  await sql`alter table moods alter mood type mood using mood::text::mood`;
  await sql`delete from moods`;
  await snapshots.restore(databases.applicationUrl, 'moods');
  const moods = [
    { id: 1, mood: 'sad', is_test_data: true },
    { id: 2, mood: "o'k", is_test_data: true },
    { id: 3, mood: 'very happy, "indeed"', is_test_data: true },
  ];
  expect(await sql`select * from moods order by id`).toEqual(moods);
  expect(await listed(manifest)).toEqual(moods);
});

async function listed(manifest: SnapshotManifest): Promise<JsonRow[]> {
  const [kept] = manifest.tables;
  if (kept === undefined) return [];
  const reader = { databaseUrl: databases.applicationUrl, store: snapshots.store };
  return listRows(reader, manifest, kept, { offset: 0, limit: 100 });
}

/** The test rows of the manifest's table as they stand there, by way of COPY's text. */
async function rowsAsText({ tables: [kept] }: SnapshotManifest): Promise<JsonRow[]> {
  const names = kept?.columns.map(({ name }) => name).join(', ');
  const statement = `copy (select ${names} from ${kept?.name} where is_test_data order by id) to stdout`;
  const page = { offset: 0, limit: Infinity };
  return withCopyConnection(databases.applicationUrl, { name: 'test', signal }, async connection => {
    await speakExactly(connection);
    const lines = await linesOf(connection.copyOut(statement), page);
    return lines.map(line => parseRow(line, kept?.columns ?? []));
  });
}
