import { z } from 'zod';
import {
  type CopyEncoding,
  copyEncoding,
  type SnapshotColumn,
  schemaVersionOf,
  shortName,
  type TableSchema,
  tableSchema,
} from '../../contracts/snapshots.ts';
import { AppError } from '../../kernel/errors.ts';
import type { CopyConnection } from '../../platform/postgres/copy-connection.ts';
import { columnNames } from '../column-names.ts';

/** What the catalogue of the database says of the tables of a snapshot. */
const liveTable = tableSchema.extend({
  /** Binary if that is exact for all of its columns, here and in other databases. */
  encoding: copyEncoding,
  /** Columns of the primary key, or of the whole row, so that its order is the same on any machine. */
  order_by: z.string(),
  /** Row-level security holds for this role: it may not see all rows, and COPY cannot write such a table. */
  row_security: z.boolean(),
  /** Has a parent or a child by `inherits`: its rows lie in several tables, and have columns that it has not. */
  inherits: z.boolean(),
  /** A key of rows that differ is looked at by a trigger, at the transaction's end or when that is asked for. */
  deferrable_keys: z.boolean(),
});
export type LiveTable = z.output<typeof liveTable>;

/** Which rows of each table. */
export interface RowFilter {
  /** The boolean column that marks test data. */
  marker: string;
  dataset_id: string | null;
}

/**
 * Settings under which a value's text is exact and the same everywhere: all digits of a float, microseconds in UTC,
 * names of types with their schema.
 */
const exactText = `
  set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set timezone = 'UTC'; set extra_float_digits = 1;
  set bytea_output = 'hex'; set client_encoding = 'UTF8'; set lc_monetary = 'C'; set search_path = pg_catalog`;

/** Makes a connection speak exactly: to be done before anything else here. */
export async function speakExactly(connection: CopyConnection): Promise<void> {
  await connection.run(exactText);
}

/** The tables of these names that are there; all that have the marker, for null. */
export function findTables(
  connection: CopyConnection,
  names: readonly string[] | null,
  { marker }: RowFilter,
): Promise<LiveTable[]> {
  return connection.query(liveTable, tablesQuery, [names, marker]);
}

/**
 * The tables that a snapshot is to have: named (`staffs` means `public.staffs`), or all that have the marker.
 * @throws AppError `snapshot_mismatch` for a table that is not there, has no such marker, or may hide rows
 */
export async function describeTables(
  connection: CopyConnection,
  names: readonly string[] | null,
  filter: RowFilter,
): Promise<LiveTable[]> {
  const wanted = names === null ? null : await fullNames(connection, names);
  const tables = await findTables(connection, wanted, filter);
  const found = new Set(tables.map(({ name }) => name));
  const faults = [
    ...(wanted ?? []).filter(name => !found.has(name)).map(name => `${name}: there is no such table`),
    ...tables.flatMap(table => faultsOf(table, filter)),
  ];
  if (faults.length > 0) throw mismatch(faults);
  if (tables.length === 0) throw mismatch([`no table has a column ${filter.marker}`]);
  return tables;
}

/** As the catalogue writes them, with their schema, and quoted where SQL needs it. */
async function fullNames(connection: CopyConnection, names: readonly string[]): Promise<string[]> {
  const found = await connection.query(
    z.object({ name: z.string() }),
    `select format('%I.%I', case when cardinality(parts) = 1 then 'public' else parts[1] end, parts[cardinality(parts)]) as name
     from unnest($1::text[]) with ordinality as given (given, place), parse_ident(given) as parts order by place`,
    [names],
  );
  return found.map(({ name }) => name);
}

function faultsOf(table: LiveTable, { marker, dataset_id }: RowFilter): string[] {
  const { name, columns, row_security } = table;
  const typeOf = (column: string) => columns.find(({ name }) => name === column)?.type;
  const faults = typeOf(marker) === 'boolean' ? [] : [`${name}: has no boolean column ${marker}`];
  if (dataset_id !== null && typeOf('dataset_id') !== 'uuid')
    faults.push(`${name}: has no column dataset_id`);
  if (row_security) faults.push(`${name}: row-level security may hide rows from this role`);
  return [...faults, ...inheritanceOf(table)];
}

/** A table with such relatives may have got them since its snapshot was made. */
export function assertNoInheritance(tables: readonly LiveTable[]): void {
  const faults = tables.flatMap(inheritanceOf);
  if (faults.length > 0) throw mismatch(faults);
}

const inheritanceOf = ({ name, inherits }: LiveTable): string[] =>
  inherits ? [`${name}: inherits from another table, or another one from it`] : [];

/** The condition on a row, written so that a partial index on the marker serves it. */
export function conditionOf({ marker, dataset_id }: RowFilter, row = ''): string {
  const column = (name: string) => `${row === '' ? '' : `${row}.`}${quote(name)}`;
  return dataset_id === null
    ? column(marker)
    : `${column(marker)} and ${column('dataset_id')} = '${z.uuid().parse(dataset_id)}'`;
}

export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export const columnList = ({ columns }: Pick<TableSchema, 'columns'>): string =>
  columns.map(({ name }) => quote(name)).join(', ');

/** A column's value with all that is in it: printed as it is, XML loses its declaration. */
export function wholeValue({ name, type }: SnapshotColumn): string {
  const isXml = type === 'xml' || type === 'xml[]';
  return `t.${quote(name)}${isXml ? `::${type.replace('xml', 'text')}` : ''}`;
}

/** COPY of a table's rows of the snapshot, in the order that its checksum is of. */
export const copyOutOf = (
  { table, from }: { table: LiveTable; from: string },
  filter: RowFilter,
  encoding: CopyEncoding,
): string =>
  `copy (select ${table.columns.map(wholeValue).join(', ')} from ${from} t where ${conditionOf(filter, 't')} order by ${table.order_by})
   to stdout (format ${encoding})`;

/** The server and the database, such as `7451.../storefront`: a copy of it elsewhere is another one. */
export async function identifyDatabase(connection: CopyConnection): Promise<string> {
  const row = z.object({ identity: z.string() });
  const [found] = await connection.query(
    row,
    "select system_identifier || '/' || current_database() as identity from pg_control_system()",
  );
  return found?.identity ?? '';
}

/** Refuses rows of another schema, and tells what differs. */
export function assertSameSchema(snapshot: readonly TableSchema[], live: readonly TableSchema[]): void {
  if (schemaVersionOf(snapshot) === schemaVersionOf(live)) return;
  const differences = snapshot.flatMap(table => differencesOf(table, live));
  throw mismatch(differences.length > 0 ? differences : ['the order of columns or keys']);
}

function differencesOf(then: TableSchema, live: readonly TableSchema[]): string[] {
  const now = live.find(({ name }) => name === then.name);
  if (now === undefined) return [`${shortName(then.name)}: is not here`];
  const parts: [string, Map<string, string>, Map<string, string>][] = [
    ['column', columnsOf(then), columnsOf(now)],
    ['foreign key', keysOf(then), keysOf(now)],
    ['primary key', primaryKeyOf(then), primaryKeyOf(now)],
  ];
  return parts.flatMap(([what, before, after]) =>
    [...new Set([...before.keys(), ...after.keys()])]
      .filter(name => before.get(name) !== after.get(name))
      .map(
        name =>
          `${shortName(then.name)}: ${what} ${name} was ${before.get(name) ?? 'not there'}, is ${after.get(name) ?? 'not here'}`,
      ),
  );
}

const columnsOf = ({ columns }: TableSchema) =>
  new Map(columns.map(({ name, type, not_null }) => [name, not_null ? `${type} not null` : type]));
const keysOf = ({ foreign_keys }: TableSchema) =>
  new Map(
    foreign_keys.map(({ name, columns, references, referenced_columns }) => [
      name,
      `(${columns.join(', ')}) to ${references} (${referenced_columns.join(', ')})`,
    ]),
  );
const primaryKeyOf = ({ primary_key }: TableSchema) =>
  new Map([['of the table', `(${primary_key.join(', ')})`]]);

const mismatch = (differences: string[]): AppError =>
  new AppError('snapshot_mismatch', `The tables do not fit: ${differences.slice(0, 20).join('; ')}`, {
    hint: 'Make the snapshot anew on the present schema.',
    details: differences,
  });

/**
 * Types, and with them their arrays, whose binary form has no number of an object of this database in it. Enumerations,
 * which send their labels, are as good.
 */
const portableTypes = `array['bool', 'int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'text', 'varchar', 'bpchar',
  'bytea', 'uuid', 'date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval', 'json', 'jsonb', 'inet', 'cidr']`;

/** $1: the tables' names, or null; $2: the marker. Generated columns are left out: they make themselves. */
const tablesQuery = `
  select format('%I.%I', nspname, relname) as name, row_security_active(c.oid) as row_security,
    column_facts.columns, column_facts.encoding,
    exists (select from pg_inherits where inhrelid = c.oid or (inhparent = c.oid and relkind = 'r')) as inherits,
    exists (select from pg_constraint k where contype in ('p', 'u', 'x') and condeferrable
      and (k.conrelid = c.oid or k.conrelid in (select relid from pg_partition_tree(c.oid)))) as deferrable_keys,
    ${columnNames('c.oid', 'pk.conkey')} as primary_key,
    coalesce((select string_agg(format('t.%I', attname) || case when attcollation <> 0 then ' collate "C"' else '' end,
        ', ' order by place)
      from unnest(pk.conkey) with ordinality as k (number, place)
      join pg_attribute on attrelid = c.oid and attnum = number), row_text) as order_by,
    coalesce((select jsonb_agg(jsonb_build_object('name', conname, 'columns', ${columnNames('f.conrelid', 'f.conkey')},
        'references', (select format('%I.%I', pn.nspname, p.relname) from pg_class p
          join pg_namespace pn on pn.oid = p.relnamespace where p.oid = f.confrelid),
        'referenced_columns', ${columnNames('f.confrelid', 'f.confkey')}) order by conname)
      from pg_constraint f where f.conrelid = c.oid and f.contype = 'f' and f.conparentid = 0), '[]') as foreign_keys
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  left join pg_constraint pk on pk.conrelid = c.oid and pk.contype = 'p'
  cross join lateral (
    select coalesce(jsonb_agg(jsonb_build_object('name', attname, 'type', format_type(atttypid, atttypmod),
          'not_null', attnotnull) order by attnum), '[]') as columns,
      'row(' || string_agg(format('t.%I', attname), ', ' order by attnum) || ')::text collate "C"' as row_text,
      case when bool_and(typtype = 'e' or is_portable) then 'binary' else 'text' end as encoding
    from pg_attribute
    join pg_type on pg_type.oid = atttypid
    cross join lateral (
      select typnamespace = 'pg_catalog'::regnamespace and typname = any (${portableTypes}) as is_portable
      from pg_type of_element
      where of_element.oid = case pg_type.typcategory when 'A' then pg_type.typelem else pg_type.oid end
    ) as element
    where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = ''
  ) as column_facts
  where relkind in ('r', 'p') and not relispartition
    and case when $1::text[] is null
      then nspname not in ('pg_catalog', 'information_schema', 'muster') and nspname not like 'pg\\_t%'
        and exists (select from pg_attribute
          where attrelid = c.oid and attname = $2 and attnum > 0 and not attisdropped)
      else format('%I.%I', nspname, relname) = any ($1) end
  order by 1`;
