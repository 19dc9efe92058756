import { z } from 'zod';
import type { SnapshotColumn } from '../contracts/snapshots.ts';
import type { CopyConnection } from '../platform/copy-connection.ts';
import { conditionOf, type LiveTable, quote, type RowFilter } from './snapshot-tables.ts';

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

/**
 * A row's hash is hashed once more before it is added up: PostgreSQL puts the columns' hashes together by adding, and
 * the sum of such would not see that two rows have exchanged a value.
 */
function rowHash({ columns }: LiveTable): string {
  const isExact = ({ type }: SnapshotColumn) => exactlyHashed.test(type);
  const of = (some: SnapshotColumn[]) => some.map(({ name }) => `t.${quote(name)}`);
  const others = of(columns.filter(column => !isExact(column)));
  const values = [
    ...of(columns.filter(isExact)),
    ...(others.length > 0 ? [`row(${others.join(', ')})::text`] : []),
  ];
  return `hashtextextended(hash_record_extended(row(${values.join(', ')}), 0)::text, 0)`;
}

/**
 * Types whose hash sees every bit. Others (1.0 and 1.00, 0 and -0, JSON of either) are equal for PostgreSQL and not for
 * us, or have no hash: of these the text is hashed.
 */
const exactlyHashed =
  /^(uuid|boolean|smallint|integer|text|bytea|date|character varying|(timestamp|time)( ?\(\d\))? without time zone|timestamp( ?\(\d\))? with time zone)(\(\d+\))?$/;
