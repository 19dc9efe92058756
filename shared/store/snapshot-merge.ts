import type { CopyConnection } from '../platform/copy-connection.ts';
import { sqlStateOf } from '../platform/sql-state.ts';
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

/** A unique value that another row still has; a key's type whose `=` is not to be seen; a column that makes itself. */
const meansReplace = new Set(['23505', '42883', '428C9']);

async function mergeRows(connection: CopyConnection, { live, stage, filter }: Merge): Promise<Merged> {
  const { name, columns, primary_key } = live;
  const condition = conditionOf(filter, 't');
  const sameKey = `${primary_key.map(key => `t.${quote(key)} = s.${quote(key)}`).join(' and ')}
    and ${isSame(primary_key)}`;
  const rest = columns.map(column => column.name).filter(column => !primary_key.includes(column));
  const values = rest.map(column => `${quote(column)} = s.${quote(column)}`);
  const deleted = await connection.run(`
    delete from ${name} t where ${condition} and not exists (select from ${stage} s where ${sameKey})`);
  const updated = await connection.run(`
    update ${name} t set ${values.join(', ')} from ${stage} s
    where ${condition} and ${sameKey} and not ${isSame(rest)}`);
  const inserted = await connection.run(`${insertFrom(live, stage)}
    where not exists (select from ${name} t where ${condition} and ${sameKey})`);
  return { deleted, updated, inserted };
}

async function replaceRows(connection: CopyConnection, { live, stage, filter }: Merge): Promise<Merged> {
  const deleted = await connection.run(`delete from ${live.name} t where ${conditionOf(filter, 't')}`);
  return { deleted, updated: 0, inserted: await connection.run(insertFrom(live, stage)) };
}

/** Byte by byte: what is equal for a type (1.0 and 1.00) is not the same row. */
function isSame(columns: readonly string[]): string {
  const rowOf = (name: string) => `row(${columns.map(column => `${name}.${quote(column)}`).join(', ')})`;
  return `record_image_eq(${rowOf('t')}, ${rowOf('s')})`;
}

const insertFrom = (live: LiveTable, stage: string): string =>
  `insert into ${live.name} (${columnList(live)}) overriding system value select ${columnList(live)} from ${stage} s`;
