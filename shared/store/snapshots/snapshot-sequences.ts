import { z } from 'zod';
import type { CopyConnection } from '../../platform/postgres/copy-connection.ts';
import { conditionOf, quote, type RowFilter } from './snapshot-tables.ts';

/** A sequence from which a column of whole numbers takes its values, because it owns it or names it in its default. */
const numbering = z.object({
  table: z.string(),
  column: z.string(),
  sequence: z.string(),
  ascending: z.boolean(),
});
type Numbering = z.output<typeof numbering>;

/**
 * Moves sequences past the rows that were put back, never back: production rows use them too. This is the one thing that a
 * rollback does not undo, and it harms nobody: numbers are skipped. What other rows hold is not looked at: one with the
 * highest number there is would leave nothing for the next.
 */
export async function raiseSequences(
  connection: CopyConnection,
  tables: readonly string[],
  filter: RowFilter,
): Promise<void> {
  const numberings = await connection.query(numbering, numberingsQuery, [tables]);
  if (numberings.length === 0) return;
  const moves = numberings.map(found => moveOf(found, filter));
  await connection.run(moves.join(' union all '));
}

/**
 * A sequence that was set, but not used since, gives the number next that it has. `+ 0` keeps the planner off the numbers'
 * own index, in which it would look for a test row among all others.
 */
function moveOf({ table, column, sequence, ascending }: Numbering, filter: RowFilter): string {
  const [edge, isPast] = ascending ? ['max', '>'] : ['min', '<'];
  const name = `'${sequence.replaceAll("'", "''")}'::regclass`;
  return `select setval(${name}, edge)
    from (select ${edge}(${quote(column)} + 0) as edge from ${table} t where ${conditionOf(filter, 't')}) t
    join pg_sequence on seqrelid = ${name} and edge between seqmin and seqmax
    cross join ${sequence} as now
    where edge ${isPast} case when is_called then last_value else last_value - seqincrement end`;
}

/** $1: the tables' names. A sequence that the role may not set stays as it is: whoever inserts by it can see to that. */
const numberingsQuery = `
  select distinct format('%I.%I', nspname, relname) as table, attname as column, sequence::regclass::text as sequence,
    seqincrement > 0 as ascending
  from pg_class c
  join pg_namespace n on n.oid = relnamespace
  join pg_attribute a on attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = ''
  cross join lateral (
    select pg_get_serial_sequence(format('%I.%I', nspname, relname), attname)::regclass::oid as sequence
    union
    select refobjid from pg_attrdef d
    join pg_depend on classid = 'pg_attrdef'::regclass and objid = d.oid and refclassid = 'pg_class'::regclass
    where adrelid = c.oid and adnum = attnum
  ) of_column
  join pg_sequence on seqrelid = sequence
  where has_table_privilege(sequence, 'select') and has_table_privilege(sequence, 'update')
    and relkind in ('r', 'p') and format('%I.%I', nspname, relname) = any ($1)
    and atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
  order by 1, 2, 3`;
