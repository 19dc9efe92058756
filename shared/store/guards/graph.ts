import { type SQL, sql } from 'drizzle-orm';
import type { UserMapping } from '../../contracts/user-mapping.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { parentsFirst } from './parents-first.ts';

/** The application's users table and the columns that say what a row is. */
export interface GuardedUsers {
  schema: string;
  table: string;
  /** The boolean column that makes a row a test user's. */
  isTest: string;
  /** The column with the batch that made the row. */
  batch: string;
  /** More columns that nobody may change. */
  markers: string[];
}

export function guardedUsersOf({ schema, table, columns }: UserMapping): GuardedUsers {
  return {
    schema,
    table,
    isTest: columns.is_test_user.name,
    batch: columns.test_batch_id.name,
    markers: columns.created_by_bulk === undefined ? [] : [columns.created_by_bulk.name],
  };
}

/** The users table and what refers to it. All names are as SQL has them: with a schema, quoted where they must be. */
export interface GuardGraph {
  isTest: string;
  batch: string;
  markers: string[];
  /** The users table first, parents before children. */
  tables: GuardedTable[];
}

/** What a foreign key does to its rows when the row goes to which they refer. */
type DeleteAction = 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default';

/** A foreign key, from the table that has it. */
export interface Reference {
  constraint: string;
  columns: string[];
  parent: string;
  parentColumns: string[];
  /** The operators that compare the columns to the parent's. */
  operators: string[];
  onDelete: DeleteAction;
  /** Whether a change of the parent's key changes this table's rows too. */
  followsUpdates: boolean;
}

export interface GuardedTable {
  name: string;
  /** By these a row belongs to somebody: keys to tables before this one. The users table itself has none. */
  references: Reference[];
  /** Every key to a table of the graph: what a cascade can follow. */
  keys: Reference[];
}

type ReferenceRow = Reference & Record<'child', string> & Record<string, unknown>;

/**
 * The users table and every table that refers to it, directly or through others, as the database has them now.
 * @throws AppError `not_found` when the table or one of the columns is not there
 */
export async function readGuardGraph(db: Executor, users: GuardedUsers): Promise<GuardGraph> {
  const [root] = await db.execute<{ name: string | null; columns: string[] }>(sql`
    select ${qualifiedName('t.oid')} as name, array(
      select quote_ident(a.attname) from jsonb_array_elements_text(${JSON.stringify([users.isTest, users.batch, ...users.markers])}::jsonb)
        with ordinality as wanted (name, place)
      join pg_attribute a on a.attrelid = t.oid and a.attname = wanted.name and not a.attisdropped
      order by place) as columns
    from pg_class t join pg_namespace n on n.oid = t.relnamespace
    where n.nspname = ${users.schema} and t.relname = ${users.table}`);
  const [isTest, batch, ...markers] = root?.columns ?? [];
  if (!root?.name || isTest === undefined || batch === undefined || markers.length < users.markers.length) {
    throw new AppError(
      'not_found',
      `There is no table ${users.schema}.${users.table} with the columns named`,
      {
        hint: `It must have ${[users.isTest, users.batch, ...users.markers].join(', ')}.`,
      },
    );
  }
  return { isTest, batch, markers, tables: tablesOf(root.name, await readReferences(db, root.name)) };
}

/** A key that closes a circle of tables says nothing of whose a row is: following it would have no end. */
function tablesOf(root: string, rows: ReferenceRow[]): GuardedTable[] {
  const ordered = parentsFirst(root, rows);
  return ordered.map((name, place) => {
    const keys = rows.filter(row => row.child === name).map(({ child: _child, ...key }) => key);
    return { name, keys, references: keys.filter(({ parent }) => ordered.indexOf(parent) < place) };
  });
}

const readReferences = (db: Executor, root: string): Promise<ReferenceRow[]> =>
  db.execute<ReferenceRow>(sql`
    with recursive reached (oid) as (
      select ${tableNamed(root)}
      union
      select c.conrelid from pg_constraint c join reached on c.confrelid = reached.oid
      where c.contype = 'f' and c.conparentid = 0
    )
    select ${qualifiedName('c.conrelid')} as child, quote_ident(c.conname) as constraint,
      ${columnNames('c.conrelid', 'c.conkey')} as columns, ${qualifiedName('c.confrelid')} as parent,
      ${columnNames('c.confrelid', 'c.confkey')} as "parentColumns",
      array(
        select case op_in.nspname when 'pg_catalog' then op.oprname::text
          else format('operator(%I.%s)', op_in.nspname, op.oprname) end
        from unnest(c.conpfeqop) with ordinality as k (oid, place) join pg_operator op on op.oid = k.oid
        join pg_namespace op_in on op_in.oid = op.oprnamespace order by k.place) as operators,
      case c.confdeltype when 'a' then 'no action' when 'r' then 'restrict' when 'c' then 'cascade'
        when 'n' then 'set null' else 'set default' end as "onDelete",
      c.confupdtype in ('c', 'n', 'd') as "followsUpdates"
    from pg_constraint c
    where c.contype = 'f' and c.conparentid = 0
      and c.conrelid in (select oid from reached) and c.confrelid in (select oid from reached)
    order by child, c.conname`);

/** A table's oid by its qualified name. A cast to regclass would ask for a privilege on the schema. */
export const tableNamed = (name: string | SQL | undefined) => sql`
  (select named.oid from pg_class named join pg_namespace named_in on named_in.oid = named.relnamespace
   where format('%I.%I', named_in.nspname, named.relname) = ${name ?? ''})`;

const qualifiedName = (oid: string) =>
  sql.raw(`
  (select format('%I.%I', named_in.nspname, named.relname) from pg_class named
   join pg_namespace named_in on named_in.oid = named.relnamespace where named.oid = ${oid})`);

const columnNames = (table: string, keys: string) =>
  sql.raw(`
  (select array_agg(quote_ident(a.attname) order by k.place) from unnest(${keys}) with ordinality as k (number, place)
   join pg_attribute a on a.attrelid = ${table} and a.attnum = k.number)`);

/**
 * The tables that the role can reach, the users table first: those that it may write to, and what foreign keys alone
 * change when a row of those goes or gets another key.
 */
export function reachedByCascade(tables: GuardedTable[], written: Iterable<string>): GuardedTable[] {
  const reached = new Set(written);
  const isNext = ({ name, keys }: GuardedTable) =>
    !reached.has(name) && keys.some(key => reached.has(key.parent) && followsParent(key));
  for (let next = tables.filter(isNext); next.length > 0; next = tables.filter(isNext)) {
    for (const { name } of next) reached.add(name);
  }
  return tables.filter(({ name }) => reached.has(name));
}

const followsParent = ({ onDelete, followsUpdates }: Reference): boolean =>
  followsUpdates || !['no action', 'restrict'].includes(onDelete);
