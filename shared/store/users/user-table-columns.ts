import { sql } from 'drizzle-orm';
import type { UserField, UserMapping } from '../../contracts/user-mapping.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import type { UserTable } from './user-table.ts';

export interface TableColumn extends Record<string, unknown> {
  name: string;
  type: string;
  required: boolean;
  generated: boolean;
  unique: boolean;
  /** How many characters it holds; null where nothing bounds it. */
  width: number | null;
}

/** Columns as PostgreSQL has them: `information_schema` would hide what the role may not touch. */
export const readTableColumns = (db: Executor, { schema, table }: UserMapping) =>
  db.execute<TableColumn>(sql`
    select a.attname as name, case when t.typtype = 'e' then 'enum' else t.typname end as type,
      a.attnotnull and not a.atthasdef and a.attidentity = '' as required,
      a.attgenerated <> '' or a.attidentity = 'a' as generated,
      exists (
        select from pg_index i where i.indrelid = a.attrelid and i.indisunique and i.indisvalid
          and i.indnkeyatts = 1 and i.indkey[0] = a.attnum and i.indpred is null
      ) as unique,
      -- of varchar(n) and char(n) the modifier is n and the four bytes of a header
      case when t.typname in ('varchar', 'bpchar') and a.atttypmod > 4 then a.atttypmod - 4 end as width
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p') and c.relname = ${table}
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = ${schema}
    join pg_type t on t.oid = a.atttypid
    where a.attnum > 0 and not a.attisdropped`);

/** The columns of users that hold only so many characters, by field. */
export type UserWidths = Partial<Record<UserField, { column: string; width: number }>>;

/** Read anew for each request: the application may widen a column at any time, and reading them costs a millisecond. */
export async function readUserWidths(db: Executor, { mapping }: UserTable): Promise<UserWidths> {
  const columns = await readTableColumns(db, mapping);
  const widths = new Map(columns.map(({ name, width }) => [name, width]));
  const bounded = Object.entries(mapping.columns).flatMap(([field, column]) => {
    const width = column && widths.get(column.name);
    return width ? [[field, { column: column.name, width }]] : [];
  });
  return Object.fromEntries(bounded);
}
