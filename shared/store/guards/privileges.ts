import { sql } from 'drizzle-orm';
import type { Executor } from '../../platform/postgres/db.ts';
import { testDataRole } from '../../platform/postgres/test-data-role.ts';
import { tableNamed } from './graph.ts';

/** What the role of a connection may do, as far as it matters to the guards. Each is empty where all is well. */
export interface RoleFaults extends Record<string, unknown> {
  /** Attributes, memberships, parameters: ways to be more than the role is. */
  powers: string[];
  /** Its own objects, of which it would be the master. */
  owned: string[];
  /** Schemas and the database, where it may make objects. */
  creates: string[];
}

/** Who logged in: `SET ROLE` and functions of another owner do not change that. */
export async function readSessionUser(db: Executor): Promise<string> {
  const [row] = await db.execute<{ name: string }>(sql`select session_user as name`);
  return row?.name ?? '';
}

/** @returns undefined when there is no such role */
export async function readRoleFaults(db: Executor, role: string): Promise<RoleFaults | undefined> {
  const [row] = await db.execute<RoleFaults>(sql`
    select array_remove(array[
        case when r.rolname <> ${testDataRole} then 'is ' || r.rolname end,
        case when r.rolsuper then 'is a superuser' end,
        case when r.rolbypassrls then 'has BYPASSRLS' end,
        case when r.rolcreaterole then 'has CREATEROLE' end,
        case when r.rolcreatedb then 'has CREATEDB' end,
        case when r.rolreplication then 'has REPLICATION' end,
        case when not r.rolsuper and has_parameter_privilege(r.oid, 'session_replication_role', 'SET')
          then 'may set session_replication_role' end
      ], null) || array(
        select 'is a member of ' || m.roleid::regrole from pg_auth_members m where m.member = r.oid order by 1
      ) as powers,
      array(
        select pg_describe_object(d.classid, d.objid, d.objsubid) from pg_shdepend d
        where d.refclassid = 'pg_authid'::regclass and d.refobjid = r.oid and d.deptype = 'o'
          and d.dbid in (0, (select oid from pg_database where datname = current_database())) order by 1
      ) as owned,
      array(
        select 'schema ' || quote_ident(n.nspname) from pg_namespace n
        where n.nspname !~ '^pg_' and has_schema_privilege(r.oid, n.oid, 'CREATE')
        union all
        select 'database ' || quote_ident(current_database())
        where has_database_privilege(r.oid, current_database(), 'CREATE')
      ) as creates
    from pg_roles r where r.rolname = ${role}`);
  return row;
}

/** A table, view or sequence on which the role may do something. */
export interface TablePrivileges extends Record<string, unknown> {
  name: string;
  privileges: string[];
  /** It has guards, be it as a table of another application than the one in use. */
  hasGuards: boolean;
}

/** All but SELECT: what changes something. Privileges of PUBLIC count. */
export const readTablePrivileges = (db: Executor): Promise<TablePrivileges[]> =>
  db.execute<TablePrivileges>(sql`
    with held as (
      select format('%I.%I', n.nspname, t.relname) as name, case when t.relkind = 'S' then array_remove(array[
        case when has_sequence_privilege(${testDataRole}, t.oid, 'USAGE') then 'USAGE' end,
        case when has_sequence_privilege(${testDataRole}, t.oid, 'UPDATE') then 'UPDATE' end
      ], null) else array_remove(array[
        case when has_any_column_privilege(${testDataRole}, t.oid, 'INSERT') then 'INSERT' end,
        case when has_any_column_privilege(${testDataRole}, t.oid, 'UPDATE') then 'UPDATE' end,
        case when has_table_privilege(${testDataRole}, t.oid, 'DELETE') then 'DELETE' end,
        case when has_table_privilege(${testDataRole}, t.oid, 'TRUNCATE') then 'TRUNCATE' end,
        case when has_table_privilege(${testDataRole}, t.oid, 'TRIGGER') then 'TRIGGER' end,
        case when has_any_column_privilege(${testDataRole}, t.oid, 'REFERENCES') then 'REFERENCES' end
      ], null) end as privileges,
      t.relrowsecurity and exists (
        select from pg_policy p where p.polrelid = t.oid and p.polname = 'muster_guard' and not p.polpermissive
      ) and exists (
        select from pg_trigger g where g.tgrelid = t.oid and g.tgname ~ '^muster_guard' and g.tgenabled = 'A'
      ) as "hasGuards"
      from pg_class t join pg_namespace n on n.oid = t.relnamespace
      where t.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
        and has_schema_privilege(${testDataRole}, n.oid, 'USAGE')
    )
    select name, privileges, "hasGuards" from held where privileges <> '{}' order by name`);

/** Of some sequences, those from which the role may take no number. */
export async function readClosedSequences(db: Executor, sequences: string[]): Promise<string[]> {
  const rows = await db.execute<{ name: string }>(sql`
    select name from jsonb_array_elements_text(${JSON.stringify(sequences)}::jsonb) as wanted (name)
    where not has_sequence_privilege(${testDataRole}, ${tableNamed(sql`wanted.name`)}, 'USAGE')`);
  return rows.map(({ name }) => name);
}

/** Whether the role may read the view of names, without which no taken name has a reason. */
export async function canReadNames(db: Executor): Promise<boolean> {
  const [row] = await db.execute<{ found: boolean }>(sql`
    select exists (
      select from pg_class t where t.oid = ${tableNamed('muster_guards.taken_names')}
        and has_schema_privilege(${testDataRole}, t.relnamespace, 'USAGE') and has_table_privilege(${testDataRole}, t.oid, 'SELECT')) as found`);
  return row?.found === true;
}

/** Columns of a table, of those given, that the role may change. */
export async function readChangeableColumns(
  db: Executor,
  table: string,
  columns: string[],
): Promise<string[]> {
  const rows = await db.execute<{ column: string }>(sql`
    select quote_ident(a.attname) as column from pg_attribute a
    join jsonb_array_elements_text(${JSON.stringify(columns)}::jsonb) as wanted (name)
      on quote_ident(a.attname) = wanted.name
    where a.attrelid = ${tableNamed(table)} and has_column_privilege(${testDataRole}, a.attrelid, a.attnum, 'UPDATE') order by 1`);
  return rows.map(({ column }) => column);
}
