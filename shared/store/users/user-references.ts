import { type SQL, sql } from 'drizzle-orm';
import type { TouchedForeignKey } from '../../contracts/bulk-cleanup.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { testDataRole } from '../../platform/postgres/test-data-role.ts';
import { columnNames } from '../column-names.ts';
import type { UserTable } from './user-table.ts';

/**
 * What refers to the users, directly or through other tables, as the database's own catalogue has it: cleanup works with
 * whatever tables the application has. Rows that refer to a user who goes, go before that user, table by table, also
 * where the foreign key would cascade: one statement a table instead of one a row, and the counts are known. Where the
 * key sets null or a default, the row stays and the database changes it.
 *
 * A table from which this role may not delete is left alone: its rows are none of Muster's, and refuse the deletion. Where
 * the key would cascade instead, the whole deletion is refused (`assertNothingCascades`).
 * Keys from the users to themselves are left alone: following them would reach users whom no ledger recorded. Such a
 * key refuses the deletion when it must.
 */
export interface UserReference extends Pick<TouchedForeignKey, 'name' | 'on_delete' | 'action' | 'indexed'> {
  /** The table's name for SQL: with its schema, and in quotes where needed. */
  table: string;
  columns: string[];
  parent: string;
  parentColumns: string[];
  /** The reference that leads from the parent on to the users; absent where the parent is the users table. */
  via?: UserReference;
}

/** References to the users, as the role of `db` has them, the farthest first: the order in which their rows can go. */
export async function readUserReferences(db: Executor, { mapping }: UserTable): Promise<UserReference[]> {
  const rows = await db.execute<Row>(sql`
    with recursive reached as (
      select f.oid, f.conrelid, f.confdeltype, array[f.oid] as path, array[f.confrelid, f.conrelid] as tables
      from pg_constraint f
      where f.contype = 'f' and f.conparentid = 0 and f.confrelid = format('%I.%I', ${mapping.schema}::text, ${mapping.table}::text)::regclass
        and f.conrelid <> f.confrelid
      union all
      select f.oid, f.conrelid, f.confdeltype, r.path || f.oid, r.tables || f.conrelid
      from reached r join pg_constraint f on f.confrelid = r.conrelid and f.contype = 'f' and f.conparentid = 0
      where r.confdeltype not in ('n', 'd') and f.conrelid <> all (r.tables)
    )
    select r.path::text[] as path, f.conname as name, f.confdeltype as delete_type,
      f.conrelid::regclass::text as "table", f.confrelid::regclass::text as parent,
      ${sql.raw(columnNames('f.conrelid', 'f.conkey'))} as columns,
      ${sql.raw(columnNames('f.confrelid', 'f.confkey'))} as parent_columns,
      exists (
        select from pg_index i where i.indrelid = f.conrelid and i.indisvalid
          and (string_to_array(i.indkey::text, ' ')::int2[])[1:cardinality(f.conkey)] @> f.conkey
      ) as indexed, has_table_privilege(f.conrelid, 'delete') as may_delete
    from reached r join pg_constraint f on f.oid = r.oid
    order by cardinality(r.path), "table", name`);
  const byPath = new Map<string, UserReference>();
  for (const { path, ...row } of rows) {
    byPath.set(path.join('/'), referenceOf(row, byPath.get(path.slice(0, -1).join('/'))));
  }
  return [...byPath.values()].reverse();
}

type Row = {
  path: string[];
  name: string;
  delete_type: keyof typeof deleteTypes;
  table: string;
  parent: string;
  columns: string[];
  parent_columns: string[];
  indexed: boolean;
  may_delete: boolean;
};

const deleteTypes = {
  a: 'no action',
  r: 'restrict',
  c: 'cascade',
  n: 'set null',
  d: 'set default',
} as const;

function referenceOf(row: Omit<Row, 'path'>, via: UserReference | undefined): UserReference {
  const on_delete = deleteTypes[row.delete_type];
  return {
    name: row.name,
    table: row.table,
    columns: row.columns,
    parent: row.parent,
    parentColumns: row.parent_columns,
    on_delete,
    action: actionOf(on_delete, row.may_delete),
    indexed: row.indexed,
    ...(via && { via }),
  };
}

function actionOf(onDelete: UserReference['on_delete'], mayDelete: boolean): UserReference['action'] {
  if (onDelete === 'set null' || onDelete === 'set default') return onDelete;
  if (mayDelete) return 'delete';
  return onDelete === 'cascade' ? 'cascade' : 'none';
}

/**
 * Rows that a cascade would take along, though this role may not delete them: uncounted, and asked by no policy.
 * @throws AppError `guard_refused`
 */
export function assertNothingCascades(references: readonly UserReference[]): void {
  const hidden = references.filter(({ action }) => action === 'cascade');
  if (hidden.length === 0) return;
  const names = hidden.map(({ name, table }) => `${name} of ${table}`).join(', ');
  throw new AppError(
    'guard_refused',
    `Rows that ${testDataRole} may not delete would go with the users by a cascade: ${names}`,
    {
      hint: 'npm run guards:sql prints the guards and privileges of such tables; docs/safe-cleanup.md explains it.',
    },
  );
}

/** Users by their keys: the key's column, and what it equals, such as `any (array(...))`. */
interface UserKeys {
  column: string;
  equal: SQL;
}

/**
 * As a condition: the rows of `reference.table` that refer to users of whom the condition `users` is true. Given their
 * keys too, references to those are compared with them: an index serves that, whatever the statistics say.
 */
export function refersTo(
  { columns, parent, parentColumns, via }: UserReference,
  users: SQL,
  keys?: UserKeys,
): SQL {
  if (via === undefined && parentColumns.join() === keys?.column)
    return sql`${names(columns)} = ${keys.equal}`;
  const parents = via === undefined ? users : refersTo(via, users, keys);
  return sql`(${names(columns)}) in (select ${names(parentColumns)} from ${sql.raw(parent)} where ${parents})`;
}

const names = (columns: string[]): SQL =>
  sql.join(
    columns.map(column => sql.identifier(column)),
    sql`, `,
  );
