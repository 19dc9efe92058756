import type { SnapshotColumn } from '../contracts/snapshots.ts';
import { parseAsWritten } from '../kernel/json-as-written.ts';

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
  return asJson.has(type) ? parseAsWritten(text) : text;
}

/** The text of a field that is not null. */
export const unescapeField = (field: string): string =>
  field.includes('\\')
    ? field.replaceAll(/\\(.)/gs, (_, escaped: string) => escapes[escaped] ?? escaped)
    : field;

const escapes: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
