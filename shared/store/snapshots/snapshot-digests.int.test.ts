import fc from 'fast-check';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { madeTypes, valuesOfTypes } from '../../../test/fixtures/postgres-values.ts';
import { digestTables } from '../../../test/fixtures/snapshots.ts';
import { withCopyConnection } from '../../platform/postgres/copy-connection.ts';
import { digestRows } from './snapshot-digests.ts';
import { findTables, speakExactly } from './snapshot-tables.ts';

const databases = testDatabases();
const types = Object.keys(valuesOfTypes);
const filter = { marker: 'is_test_data', dataset_id: null };
const { signal } = new AbortController();

beforeAll(async () => {
  const columns = types.map((type, index) => `c${index} ${type}`);
  await databases.application.sql.unsafe(`${madeTypes}
    create table one_row (${columns.join(', ')}, is_test_data boolean not null);
    insert into one_row (is_test_data) values (true)`);
});

/** The digests of a row with this value and no other: what is tested, and one over the binary form. */
async function digestsOf(type: string, value: string | null): Promise<[string, string]> {
  const { sql } = databases.application;
  const places = types.map((each, index) => `c${index} = ${each === type ? `$1::text::${type}` : 'null'}`);
  await sql.unsafe(`update one_row set ${places.join(', ')}`, [value]);
  const [digest] = await withCopyConnection(
    databases.applicationUrl,
    { name: 'test', signal },
    async copy => {
      await speakExactly(copy);
      const [table] = await findTables(copy, ['public.one_row'], filter);
      return table === undefined ? [] : digestRows(copy, [{ table, from: table.name }], filter);
    },
  );
  const { one_row: binary } = await digestTables(sql, ['one_row']);
  return [digest ?? '', binary ?? ''];
}

it('differ when any value of any type is another one, and only then', async () => {
  const change = fc.constantFrom(...types).chain(type => {
    const value = fc.option(valuesOfTypes[type] ?? fc.constant(''));
    return fc.tuple(fc.constant(type), value, value);
  });
  await fc.assert(
    fc.asyncProperty(change, async ([type, before, after]) => {
      const [digest, binary] = await digestsOf(type, before);
      const [changed, changedBinary] = await digestsOf(type, after);
      expect(changed === digest).toBe(changedBinary === binary);
    }),
    { numRuns: 60 },
  );
});

it.each([
  ['text collate public.no_case', 'a', 'A'],
  ['numeric', '1.0', '1.00'],
  ['double precision', '0', '-0'],
  ['jsonb', '1.0', '1.00'],
  ['interval', '1 mon', '30 days'],
  // The upper half of the bits of the one is folded onto the lower half of the other.
  ['timestamptz', '2000-01-01 00:00:00Z', '2000-01-01 01:11:34.967297Z'],
  ['timestamp', '2000-01-01 00:00:00', '2000-01-01 01:11:34.967297'],
  ['bigint', '0', '4294967297'],
])(
  'tell values of %s apart that PostgreSQL takes for equal, or hashes alike: %s and %s',
  async (type, a, b) => {
    const [one] = await digestsOf(type, a);
    const [other] = await digestsOf(type, b);
    expect(one).not.toBe(other);
  },
);
