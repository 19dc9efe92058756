import fc from 'fast-check';
import { testDatabases } from '../../test/fixtures/database.ts';
import { madeTypes, valuesOfTypes } from '../../test/fixtures/postgres-values.ts';
import { digestTables, testSnapshots } from '../../test/fixtures/snapshots.ts';

const databases = testDatabases();
const snapshots = testSnapshots();

beforeAll(async () => {
  const columns = Object.keys(valuesOfTypes).map((type, index) => `c${index} ${type}`);
  await databases.application.sql.unsafe(`${madeTypes}
    create table every_type (id bigint generated always as identity primary key, ${columns.join(', ')},
      is_test_data boolean not null default false, twice smallint generated always as (c0 / 2) stored)`);
});

it('brings every value of every type back, to the byte', async () => {
  const { sql } = databases.application;
  const names = Object.keys(valuesOfTypes).map((_, index) => `c${index}`);
  const row = fc.tuple(...Object.values(valuesOfTypes).map(values => fc.option(values)));
  const list = sql.unsafe.bind(sql);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 12 }), async rows => {
      run += 1;
      await sql`truncate every_type`;
      await list(`insert into every_type (c0, is_test_data) values (1, false)`);
      for (const values of rows) {
        const places = names.map((_, index) => `$${index + 1}::text::${Object.keys(valuesOfTypes)[index]}`);
        await list(
          `insert into every_type (${names.join(', ')}, is_test_data) values (${places.join(', ')}, true)`,
          [...values],
        );
      }
      const before = await digestTables(sql, ['every_type']);
      const manifest = await snapshots.create(databases.applicationUrl, `run-${run}`, ['every_type']);
      expect(manifest.tables.map(table => table.rows)).toEqual([rows.length]);
      await sql`update every_type set c7 = 'changed' where is_test_data`;
      await snapshots.restore(databases.applicationUrl, `run-${run}`);
      expect(await digestTables(sql, ['every_type'])).toEqual(before);
    }),
    { numRuns: 15 },
  );
});
