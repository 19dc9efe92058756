import { z } from 'zod';
import { refuse } from './faults.ts';
import { queryInteger } from './fields.ts';
import { findUnstorable } from './unstorable.ts';

/** The query of every list: spread it, `z.strictObject({ ...pageQuery, kind: ... })`. */
export const pageQuery = {
  limit: queryInteger(1, 1000).default(50).describe('How many items at most'),
  cursor: z
    .string()
    .max(500)
    .optional()
    .describe('The `next_cursor` of the page before; absent for the first page'),
};

/** The answer of every list. */
export const pageOf = <S extends z.ZodType>(item: S) =>
  z.object({
    items: z.array(item),
    next_cursor: z.string().nullable().describe('Null on the last page'),
  });

/** A keyset position (the sort key of the last item) as an opaque text. */
const encodeCursor = (position: unknown): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url');

/** The position in a cursor, or undefined when there is none; 422 when it is not one of ours. */
export function decodeCursor<S extends z.ZodType>(cursor: string | undefined, position: S) {
  if (cursor === undefined) return undefined;
  const json = readJson(Buffer.from(cursor, 'base64url').toString('utf8'));
  const parsed = position.safeParse(json);
  if (!parsed.success || findUnstorable(json).length > 0)
    throw refuse('?cursor', 'invalid_cursor', 'is not a cursor of this list');
  return parsed.data;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * A page of rows that were read with `limit + 1`: the one row too many only says that there is a next page.
 * @param positionOf the sort key of a row, for the cursor
 */
export function pageFrom<Row, Item>(
  rows: readonly Row[],
  limit: number,
  positionOf: (row: Row) => unknown,
  present: (row: Row) => Item,
): { items: Item[]; next_cursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { items: shown.map(present), next_cursor: more ? encodeCursor(positionOf(last)) : null };
}
