import type { SnapshotColumn } from '../contracts/snapshots.ts';

/** Reads rows in the text format of COPY (PostgreSQL, "COPY", File Formats), for people: as JSON values. */
export type JsonRow = Record<string, unknown>;

/** The lines of a text that comes in pieces, from the one numbered `offset` on, `limit` of them at most. */
export async function linesOf(
  source: AsyncIterable<Buffer>,
  { offset, limit }: { offset: number; limit: number },
): Promise<string[]> {
  const lines: string[] = [];
  let number = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of source) {
    const text = Buffer.concat([rest, piece]);
    let start = 0;
    for (let end = text.indexOf(10); end !== -1; end = text.indexOf(10, start)) {
      if (number >= offset) lines.push(text.toString('utf8', start, end));
      if (lines.length === limit) return lines;
      number += 1;
      start = end + 1;
    }
    rest = text.subarray(start);
  }
  return lines;
}

export function parseRow(line: string, columns: readonly SnapshotColumn[]): JsonRow {
  const fields = line.split('\t');
  return Object.fromEntries(
    columns.map(({ name, type }, index) => [name, jsonOf(fields[index] ?? '', type)]),
  );
}

/** Types whose every value is one of JSON's too. */
const asJson = new Set(['smallint', 'integer', 'json', 'jsonb']);

function jsonOf(field: string, type: string): unknown {
  if (field === '\\N') return null;
  const text = unescapeField(field);
  if (type === 'boolean') return text === 't';
  return asJson.has(type) ? JSON.parse(text, asWritten) : text;
}

declare global {
  interface JSON {
    // ECMAScript 2026 (JSON.parse source text access), which TypeScript does not know yet.
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { source: string }) => unknown,
    ): unknown;
    rawJSON(text: string): unknown;
  }
}

/** Numbers that JavaScript would write in another way, 1.50 or those of many digits, stay as they are. */
const asWritten = (_: string, value: unknown, { source }: { source: string }): unknown =>
  typeof value === 'number' && String(value) !== source ? JSON.rawJSON(source) : value;

/** The text of a field that is not null. */
export const unescapeField = (field: string): string =>
  field.includes('\\')
    ? field.replaceAll(/\\(.)/gs, (_, escaped: string) => escapes[escaped] ?? escaped)
    : field;

const escapes: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
