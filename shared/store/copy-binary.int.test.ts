import fc from 'fast-check';
import { testDatabases } from '../../test/fixtures/database.ts';
import { type CopyConnection, withCopyConnection } from '../platform/postgres/copy-connection.ts';
import { sliceBinary } from './copy-binary.ts';

const databases = testDatabases();
const { signal } = new AbortController();

const statement = `select i, case when i % 3 = 0 then null else repeat('ü', i * 7) end as text, null::int as nothing,
  decode(repeat('ffff', i % 5), 'hex') as bytes from generate_series(1, 40) i order by i`;

async function copyOut(connection: CopyConnection, query: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of connection.copyOut(`copy (${query}) to stdout (format binary)`))
    pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const end = at + (sizes[index % sizes.length] ?? 1);
    yield bytes.subarray(at, end);
    at = end;
  }
}

it('gives the rows of a page as COPY itself would, wherever its output is cut', () =>
  withCopyConnection(databases.applicationUrl, { name: 'test', signal }, async connection => {
    const all = await copyOut(connection, statement);
    const sizes = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(45), fc.integer({ min: 1, max: 45 }), async (pieces, offset, limit) => {
        const page = await sliceBinary(cut(all, pieces), { offset, limit });
        expect(page).toEqual(
          await copyOut(connection, `select * from (${statement}) t offset ${offset} limit ${limit}`),
        );
      }),
      { numRuns: 60 },
    );
  }));

it('gives no row of an empty table', () =>
  withCopyConnection(databases.applicationUrl, { name: 'test', signal }, async connection => {
    const none = await copyOut(connection, `${statement} limit 0`);
    expect(await sliceBinary(cut(none, [5]), { offset: 0, limit: 10 })).toEqual(none);
  }));
