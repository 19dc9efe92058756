import fc from 'fast-check';
import { type Beside, type JsonRow, readJsonArray, readNdjson } from './json-rows.ts';

const limits = { maxRowBytes: 100_000, maxLines: 10_000 };
const anything: Beside = { fields: [], judge: () => [] };

/** Any text cut into pieces anywhere, in the middle of characters too. */
async function* cut(text: string, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  let start = 0;
  for (let turn = 0; start < bytes.length; turn++) {
    const end = start + Math.max(1, sizes[turn % sizes.length] ?? 1);
    yield bytes.subarray(start, end);
    start = end;
  }
}

async function valuesOf(rows: AsyncIterable<JsonRow[]>): Promise<unknown[]> {
  const all: JsonRow[] = [];
  for await (const some of rows) all.push(...some);
  expect(all.map(row => row.index)).toEqual(all.map((_, index) => index));
  return all.map(row => row.value);
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
const values = fc
  .array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 8 })
  .map(list => JSON.parse(JSON.stringify(list)));

it('gives the values of lines, wherever the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(values, sizes, async (list, pieces) => {
      const text = list.map((value: unknown) => JSON.stringify(value)).join('\n');
      expect(await valuesOf(readNdjson(cut(text, pieces), limits))).toEqual(list);
    }),
  );
});

it('gives the elements of an array, wherever the stream is cut and whatever stands beside it', async () => {
  await fc.assert(
    fc.asyncProperty(values, fc.jsonValue({ maxDepth: 2 }), sizes, async (list, other, pieces) => {
      const text = JSON.stringify({ first: { users: [other] }, users: list, last: [other] });
      expect(await valuesOf(readJsonArray(cut(text, pieces), 'users', limits, anything))).toEqual(list);
    }),
  );
});

it('tells what stands beside the array, before its elements and after them, wherever the stream is cut', async () => {
  const text = JSON.stringify({
    a: { users: [1], b: 2 },
    x: [{ c: 1 }],
    users: [{ d: 3 }, [4]],
    e: '"f":',
    x2: null,
  });
  await fc.assert(
    fc.asyncProperty(sizes, async pieces => {
      const told: string[] = [];
      const judge: Beside['judge'] = found => {
        told.push(JSON.stringify(Object.entries(found).map(([name, value]) => [name, value ?? null])));
        return [];
      };
      const rows = readJsonArray(cut(text, pieces), 'users', limits, { fields: ['a', 'e'], judge });
      expect(await valuesOf(rows)).toEqual([{ d: 3 }, [4]]);
      const before = [
        ['a', { users: [1], b: 2 }],
        ['x', null],
      ];
      expect(told[0]).toMatch(JSON.stringify(before).slice(0, -1));
      expect(told.at(-1)).toBe(JSON.stringify([...before, ['e', '"f":'], ['x2', null]]));
    }),
  );
});

it('gives the numbers of lines and of elements as they are written, wherever the stream is cut', async () => {
  const rows = ['{"n":[1.50,12345678901234567890,-0,1E5,7]}', '1.0'];
  await fc.assert(
    fc.asyncProperty(sizes, async pieces => {
      const document = `{"total":2.0,"users":[${rows.join(' , ')}]}`;
      const elements = await valuesOf(readJsonArray(cut(document, pieces), 'users', limits, anything));
      const lines = await valuesOf(readNdjson(cut(rows.join('\n'), pieces), limits));
      expect(elements.map(value => JSON.stringify(value))).toEqual(rows);
      expect(lines.map(value => JSON.stringify(value))).toEqual(rows);
    }),
  );
});

it('refuses every document that breaks off', async () => {
  const text = JSON.stringify({ users: [{ a: 'é' }, { b: [1, true, null] }], total: 2 });
  for (let length = 0; length < Buffer.byteLength(text); length++) {
    const part = async function* () {
      yield Buffer.from(text).subarray(0, length);
    };
    await expect(valuesOf(readJsonArray(part(), 'users', limits, anything))).rejects.toMatchObject({
      code: 'invalid_json',
    });
  }
});

describe('lines without a value', () => {
  const few = { maxRowBytes: 1000, maxLines: 100 };
  const read = (text: string) => valuesOf(readNdjson(cut(text, [7]), few));

  it.each(['\n', '\r\n', ' \t\n'])('are passed over, and count as lines (%j)', async blank => {
    expect(await read(`${blank.repeat(99)}`)).toEqual([]);
    await expect(read(blank.repeat(101))).rejects.toMatchObject({ code: 'payload_too_large' });
    await expect(read(`1\n${blank}`.repeat(51))).rejects.toThrow('more than 100 lines');
  });

  it('count the last one that has no end, where there is something in it', async () => {
    expect(await valuesOf(readNdjson(cut('1\n'.repeat(100), [7]), few))).toHaveLength(100);
    await expect(read(`${'1\n'.repeat(100)}1`)).rejects.toThrow('more than 100 lines');
  });

  it('are no longer on end than a row may be, however short each is', async () => {
    const blank = `${' '.repeat(99)}\n`;
    await expect(read(blank.repeat(11))).rejects.toThrow('More than 1000 bytes of empty lines');
    await expect(read(`1\n${blank.repeat(9)}`)).resolves.toEqual([1]);
  });
});
