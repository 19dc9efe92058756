import { z } from 'zod';
import type { SnapshotColumn } from '../../contracts/snapshots.ts';
import type { CopyConnection } from '../../platform/postgres/copy-connection.ts';
import { conditionOf, type LiveTable, type RowFilter, wholeValue } from './snapshot-tables.ts';

/**
 * Digests of rows that the database computes where they lie, in any order: a fifth of what it costs to sort them, to
 * print them and to send them here. They are made of PostgreSQL's own hashes, which another byte order, or perhaps
 * another release, makes differently: equal digests prove equal rows, different ones prove nothing.
 */
export interface DigestSource {
  table: LiveTable;
  /** The table itself, or one with its columns. */
  from: string;
}

/** The number of rows that the filter takes, and the digest of them, such as `1001/-4411...`: one for each source. */
export async function digestRows(
  connection: CopyConnection,
  sources: readonly DigestSource[],
  filter: RowFilter,
): Promise<string[]> {
  if (sources.length === 0) return [];
  const row = z.object({ digest: z.string() });
  const selects = sources.map(
    ({ table, from }, place) =>
      `select ${place} as place, count(*) || '/' || coalesce(sum(${rowHash(table)}), 0) as digest
       from ${from} t where ${conditionOf(filter, 't')}`,
  );
  const found = await connection.query(
    row,
    `select digest from (${selects.join(' union all ')}) d order by place`,
  );
  return found.map(({ digest }) => digest);
}

/** The number of rows that a digest is of. */
export const rowsOf = (digest: string): number => Number(digest.slice(0, digest.indexOf('/')));

/**
 * A row's hash is hashed once more before it is added up: PostgreSQL puts the columns' hashes together by adding, and
 * the sum of such would not see that two rows have exchanged a value.
 */
function rowHash({ columns }: LiveTable): string {
  const exact = columns.flatMap(column => exactValue(column) ?? []);
  const others = columns.filter(column => exactValue(column) === undefined);
  const values = [
    ...exact,
    ...(others.length > 0 ? [`row(${others.map(wholeValue).join(', ')})::text collate "C"`] : []),
  ];
  return `hashtextextended(hash_record_extended(row(${values.join(', ')}), 0)::text, 0)`;
}

/**
 * A column's value in a form whose hash sees every bit; undefined where there is none. Other types (1.0 and 1.00, 0 and -0,
 * JSON of either) are equal for PostgreSQL and not for us, or have no hash: of these the text is hashed.
 */
function exactValue(column: SnapshotColumn): string | undefined {
  const type = column.type.replaceAll(/ ?\(\d+\)/g, '');
  if (['uuid', 'boolean', 'smallint', 'integer', 'bytea', 'date'].includes(type)) return wholeValue(column);
  // Whatever the column's collation takes for equal.
  if (['text', 'character varying'].includes(type)) return `${wholeValue(column)} collate "C"`;
  // Hashed as they are, the upper half of their bits is folded onto the lower one.
  const send = sendFunctions.get(type);
  return send === undefined ? undefined : `${send}(${wholeValue(column)})`;
}

const sendFunctions = new Map([
  ['timestamp with time zone', 'timestamptz_send'],
  ['timestamp without time zone', 'timestamp_send'],
  ['time without time zone', 'time_send'],
]);
