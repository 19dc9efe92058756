import { z } from 'zod';
import type { CopyConnection } from '../../platform/postgres/copy-connection.ts';
import { sqlStateOf } from '../../platform/postgres/sql-state.ts';
import { columnList, conditionOf, type LiveTable, quote, type RowFilter } from './snapshot-tables.ts';

/**
 * A table's test rows become those of its stage: what the stage has not is deleted, what differs is updated, what is
 * missing is inserted. Nothing is written for a row that is as it is to be. A row that keeps its key is never away, so a
 * production row that refers to it need not wait, and is not refused. Where rows exchange unique values, or a type or a
 * column lets it not be done so, all of the table's test rows go and come.
 */
export interface Merged {
  /** Rows that went for good, or for a moment. */
  deleted: number;
  updated: number;
  inserted: number;
}

interface Merge {
  live: LiveTable;
  stage: string;
  filter: RowFilter;
}

export async function mergeStage(connection: CopyConnection, merge: Merge): Promise<Merged> {
  await connection.run('savepoint merge');
  try {
    return await mergeRows(connection, merge);
  } catch (error) {
    if (!meansReplace.has(sqlStateOf(error) ?? '')) throw error;
    await connection.run('rollback to savepoint merge');
    return replaceRows(connection, merge);
  }
}

/**
 * A unique value, or one that excludes others, that another row still has; a key's type whose `=` is not to be seen, or
 * joins no hashes; a column that makes itself.
 */
const meansReplace = new Set(['23505', '23P01', '42883', '0A000', '428C9']);

const counts = z.object({
  deleted: z.coerce.number(),
  updated: z.coerce.number(),
  inserted: z.coerce.number(),
});

/**
 * The rows that differ are found by one join, and written in the same statement; nothing else is looked at again. Keys
 * that are equal, but not byte by byte, make two rows: one goes, one comes.
 */
async function mergeRows(connection: CopyConnection, { live, stage, filter }: Merge): Promise<Merged> {
  const { name, primary_key } = live;
  const columns = live.columns.map(column => column.name);
  const condition = conditionOf(filter, 't');
  const olds = primary_key.map((_, index) => `old_${index + 1}`);
  const news = columns.map((_, index) => `new_${index + 1}`);
  const newOf = (column: string) => `d.new_${columns.indexOf(column) + 1}`;
  const isOld = olds.map((old, index) => `t.${quote(primary_key[index] ?? '')} = d.${old}`).join(' and ');
  const rest = columns.filter(column => !primary_key.includes(column));
  const [found] = await connection.query(
    counts,
    `with diff (${[...olds, ...news].join(', ')}, keeps_key) as materialized (
       select ${listOf('t', primary_key)}, ${listOf('s', columns)}, ${isSame(primary_key)}
       from (select ${columnList(live)} from ${name} t where ${condition}) t
       full join ${stage} s on ${primary_key.map(key => `t.${quote(key)} = s.${quote(key)}`).join(' and ')}
       where not ${isSame(columns)}
     ), deleted as (
       delete from ${name} t using diff d where ${condition} and ${isOld} and not d.keeps_key returning 1
     ), updated as (
       update ${name} t set ${rest.map(column => `${quote(column)} = ${newOf(column)}`).join(', ')} from diff d
       where ${condition} and ${isOld} and d.keeps_key returning 1
     ), inserted as (
       insert into ${name} (${columnList(live)}) overriding system value
       select ${columns.map(newOf).join(', ')} from diff d
       where not d.keeps_key and ${newOf(primary_key[0] ?? '')} is not null returning 1
     )
     select (select count(*) from deleted) as deleted, (select count(*) from updated) as updated,
       (select count(*) from inserted) as inserted`,
  );
  if (found === undefined) throw new Error(`The merge into ${name} gave no counts`);
  return found;
}

async function replaceRows(connection: CopyConnection, { live, stage, filter }: Merge): Promise<Merged> {
  const deleted = await connection.run(`delete from ${live.name} t where ${conditionOf(filter, 't')}`);
  return { deleted, updated: 0, inserted: await connection.run(insertFrom(live, stage)) };
}

/** Byte by byte: what is equal for a type (1.0 and 1.00) is not the same row. */
const isSame = (columns: readonly string[]): string =>
  `record_image_eq(row(${listOf('t', columns)}), row(${listOf('s', columns)}))`;

const listOf = (table: string, columns: readonly string[]): string =>
  columns.map(column => `${table}.${quote(column)}`).join(', ');

const insertFrom = (live: LiveTable, stage: string): string =>
  `insert into ${live.name} (${columnList(live)}) overriding system value select ${columnList(live)} from ${stage} s`;
