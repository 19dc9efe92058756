import fc from 'fast-check';
import { testDatabases } from '../../test/fixtures/database.ts';
import { digestTables, testSnapshots } from '../../test/fixtures/snapshots.ts';

const databases = testDatabases();
const snapshots = testSnapshots();

const text = fc.string({ unit: 'grapheme', maxLength: 20 }).map(value => value.replaceAll('\0', ''));
const awkward = fc.constantFrom(
  '',
  '\\N',
  '\\.',
  '\t',
  '\n',
  '\r\n',
  '\\',
  '"{}"',
  'é',
  'e\u0301',
  '🦄',
  '\u2028',
);
const anyText = fc.oneof(text, awkward);
const digits = (max: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${max}}$`));
const moment = fc
  .record({
    date: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }),
    micro: fc.nat(999),
  })
  .map(({ date, micro }) => date.toISOString().replace('Z', `${String(micro).padStart(3, '0')}`));
const arrayLiteral = (values: (string | null)[]) =>
  `{${values.map(value => (value === null ? 'NULL' : `"${value.replaceAll(/["\\]/g, '\\$&')}"`)).join(',')}}`;

/** Values of each type as PostgreSQL reads them. */
const types: Record<string, fc.Arbitrary<string>> = {
  smallint: fc.integer({ min: -32_768, max: 32_767 }).map(String),
  bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  numeric: fc.oneof(
    fc.tuple(digits(40), digits(30)).map(([whole, part]) => `-${whole}.${part}`),
    fc.constantFrom('NaN', 'Infinity', '0.10', '1e-20'),
  ),
  'numeric(12,4)': fc.integer({ min: -1e9, max: 1e9 }).map(value => String(value / 1000)),
  real: fc.float({ noNaN: true }).map(String),
  'double precision': fc.oneof(fc.double().map(String), fc.constantFrom('-0', 'NaN', '-Infinity', '5e-324')),
  boolean: fc.constantFrom('t', 'f'),
  text: anyText,
  'varchar(30)': fc.string({ maxLength: 30 }).map(value => value.replaceAll('\0', '')),
  'char(5)': fc.stringMatching(/^[a-z ]{0,5}$/),
  bytea: fc.uint8Array({ maxLength: 40 }).map(bytes => `\\x${Buffer.from(bytes).toString('hex')}`),
  timestamptz: fc.oneof(
    moment.map(value => `${value}+09:00`),
    fc.constantFrom('infinity', '0044-03-15 BC'),
  ),
  timestamp: moment,
  date: moment.map(value => value.slice(0, 10)),
  'time with time zone': moment.map(value => `${value.slice(11)}-03:30`),
  interval: fc
    .tuple(fc.nat(2000), fc.integer({ min: -90, max: 90 }), fc.nat(1e9))
    .map(([months, days, micros]) => `${months} mons ${days} days ${micros} microseconds`),
  uuid: fc.uuid(),
  jsonb: fc.json({ maxDepth: 3 }).filter(value => !/\\u0000|\\ud[89a-f]/i.test(value)),
  json: fc.constantFrom('{"b": 1,  "a": [1.10, null]}', '"\\u00e9 é"', '{"a":1,"a":2}'),
  'text[]': fc.array(fc.option(anyText), { maxLength: 4 }).map(arrayLiteral),
  'integer[][]': fc.constantFrom('{{1,2},{3,NULL}}', '[0:1][2:2]={{7},{8}}', '{}'),
  inet: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant('10.1.0.0/16')),
  bit: fc.constantFrom('0', '1'),
  'bit varying': fc.stringMatching(/^[01]{0,20}$/),
  tstzrange: fc.constantFrom('[2026-01-01 00:00:00.000001+00,)', 'empty', '(,2026-01-01)'),
  int4multirange: fc.constantFrom('{[1,5),[7,9)}', '{}'),
  point: fc.tuple(fc.integer(), fc.integer()).map(([x, y]) => `(${x / 7},${y / 3})`),
  tsvector: fc.constantFrom("'fat':2,4 'rat':3A", ''),
  xml: fc.constantFrom('<a b="1">é</a>', ''),
  money: fc.constantFrom('12.34', '-0.01'),
  'public.mood': fc.constantFrom('sad', "o'k", 'very happy, "indeed"'),
  'public.pair': fc.constantFrom('(1,"a,b")', '(,)', '(2,"")'),
  'public.positive': fc.nat(1000).map(value => String(value + 1)),
};

beforeAll(async () => {
  const columns = Object.keys(types).map((type, index) => `c${index} ${type}`);
  await databases.application.sql.unsafe(`
    create type mood as enum ('sad', 'o''k', 'very happy, "indeed"');
    create type pair as (a int, b text);
    create domain positive as int check (value > 0);
    create table every_type (id bigint generated always as identity primary key, ${columns.join(', ')},
      is_test_data boolean not null default false, twice smallint generated always as (c0 / 2) stored)`);
});

it('brings every value of every type back, to the byte', async () => {
  const { sql } = databases.application;
  const names = Object.keys(types).map((_, index) => `c${index}`);
  const row = fc.tuple(...Object.values(types).map(values => fc.option(values)));
  const list = sql.unsafe.bind(sql);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 12 }), async rows => {
      run += 1;
      await sql`truncate every_type`;
      await list(`insert into every_type (c0, is_test_data) values (1, false)`);
      for (const values of rows) {
        const places = names.map((_, index) => `$${index + 1}::text::${Object.keys(types)[index]}`);
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
