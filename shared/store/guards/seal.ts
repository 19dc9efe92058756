import { createHash } from 'node:crypto';
import { createOtherSession, otherSession } from './functions.ts';
import type { GuardedTable, GuardGraph } from './graph.ts';
import { testRows } from './policies.ts';
import { guardTriggers } from './triggers.ts';

/**
 * A guard may have its name and be hollow: a policy altered to `true`, a trigger that fires on nothing, or all of it made for
 * another column. So each table has a seal, in the comment on its policy: a digest of what was generated, and one of
 * what the catalogue made of that. What is generated now must give the first, what the catalogue has now the second.
 */

/** Of all that makes a table's guards what they are, and no more: another column of the users changes nothing. */
export function digestOfGenerated(graph: GuardGraph, table: GuardedTable): string {
  const triggers = guardTriggers(graph, table).map(({ name, event, call }) => [name, event, call]);
  const made = JSON.stringify([triggers, testRows(graph, table), createOtherSession]);
  return createHash('sha256').update(made).digest('hex').slice(0, 16);
}

/**
 * As SQL: the digest of what the catalogue has of a table's guards. The text of a policy depends on `search_path`, which
 * must be `pg_catalog`.
 * @param table an expression that gives its oid
 */
export const digestOfCatalogue = (table: string): string => `
  md5(concat_ws(E'\\n', pg_get_functiondef(to_regprocedure('${otherSession}()')), (
    select string_agg(pg_get_triggerdef(g.oid) || pg_get_functiondef(g.tgfoid), E'\\n' order by g.tgname)
    from pg_trigger g where g.tgrelid = ${table} and g.tgname ~ '^muster_guard'
  ), (
    select string_agg(concat_ws(' ', p.polname, p.polpermissive, p.polcmd, (
        select string_agg(coalesce(r.rolname, 'public'), ',' order by r.rolname)
        from unnest(p.polroles) as m (oid) left join pg_roles r on r.oid = m.oid
      ), pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)), E'\\n' order by p.polname)
    from pg_policy p where p.polrelid = ${table} and p.polname ~ '^muster_guard'
  )))`;

/** Seals the guards of all tables, which stand by then. */
export function sealStatement(graph: GuardGraph): string {
  const tables = graph.tables.map(table => `(${literal(table.name)}, '${digestOfGenerated(graph, table)}')`);
  return `do $seal$
declare
  path constant text := current_setting('search_path');
  guarded record;
begin
  perform set_config('search_path', 'pg_catalog', true);
  for guarded in select * from (values ${tables.join(', ')}) as sealed (name, generated) loop
    execute format('comment on policy muster_guard on %s is %L', guarded.name,
      guarded.generated || ' ' || ${digestOfCatalogue('guarded.name::regclass').trim()});
  end loop;
  perform set_config('search_path', path, true);
end
$seal$`;
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
