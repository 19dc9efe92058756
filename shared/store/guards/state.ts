import { sql } from 'drizzle-orm';
import type { UserMapping } from '../../contracts/user-mapping.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { type GuardGraph, tableNamed } from './graph.ts';
import type { TableState, UsersState } from './statements.ts';

/** What the database has already, for `guardStatements`. */

export function readTableStates(db: Executor, { tables }: GuardGraph): Promise<TableState[]> {
  return db.execute<TableState & Record<string, unknown>>(sql`
    select wanted.name,
      exists (select from pg_policy p where p.polrelid = t.oid and p.polname not like 'muster\\_guard%')
        or (t.relrowsecurity and not exists (
          select from pg_policy p where p.polrelid = t.oid and p.polname = 'muster_guard_open' and 0 = any (p.polroles))
        ) as "hasOwnPolicies"
    from jsonb_array_elements_text(${JSON.stringify(tables.map(table => table.name))}::jsonb) as wanted (name)
    join pg_namespace n on true join pg_class t on t.relnamespace = n.oid
      and format('%I.%I', n.nspname, t.relname) = wanted.name`);
}

/** The columns of the users that a state is read for, as the application calls them. */
export function namesOf({ columns: { id, username, email } }: UserMapping) {
  return { id: id.name, username: username.name, email: email.name };
}

export async function readUsersState(
  db: Executor,
  graph: GuardGraph,
  names: ReturnType<typeof namesOf>,
): Promise<UsersState> {
  const table = tableNamed(graph.tables[0]?.name);
  const numberOf = (column: string) => sql`
    (select attnum from pg_attribute where attrelid = ${table} and quote_ident(attname) = ${column})`;
  const [row] = await db.execute<UsersState & Record<string, unknown>>(sql`
    select array(
        select quote_ident(attname) from pg_attribute
        where attrelid = ${table} and attnum > 0 and not attisdropped and attgenerated = '' and attidentity = ''
        order by attnum) as columns,
      array(
        select quote_ident(a.attname) from pg_constraint c, unnest(c.conkey) as k (number)
        join pg_attribute a on a.attrelid = ${table} and a.attnum = k.number
        where c.conrelid = ${table} and c.contype = 'p') as key,
      quote_ident(${names.id}::text) as id, quote_ident(${names.username}::text) as username, quote_ident(${names.email}::text) as email,
      array(
        select distinct format('%I.%I', n.nspname, s.relname) from pg_attrdef d
        join pg_depend on classid = 'pg_attrdef'::regclass and objid = d.oid and refclassid = 'pg_class'::regclass
        join pg_class s on s.oid = refobjid and s.relkind = 'S' join pg_namespace n on n.oid = s.relnamespace
        where d.adrelid = ${table} order by 1) as sequences,
      exists (
        select from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = ${numberOf(graph.isTest)}
        where c.conrelid = ${table} and c.contype = 'c' and c.convalidated and (
          pg_get_expr(c.conbin, c.conrelid) = ${tie(`(${graph.isTest} IS TRUE)`, graph)}
          or a.attnotnull and pg_get_expr(c.conbin, c.conrelid) = ${tie(graph.isTest, graph)})) as "markersAreTied",
      exists (
        select from pg_attrdef d where d.adrelid = ${table} and d.adnum = ${numberOf(graph.isTest)}
          and pg_get_expr(d.adbin, d.adrelid) = 'false') as "isTestDefaultsToFalse"`);
  if (row === undefined) throw new Error('A select without from gives one row');
  return row;
}

/** As PostgreSQL writes the check that ties the markers. One that only has both columns in it may tie nothing. */
const tie = (isTest: string, { batch }: GuardGraph): string => `(${isTest} = (${batch} IS NOT NULL))`;
