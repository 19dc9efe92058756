import { sql } from 'drizzle-orm';
import type { Executor } from '../../platform/postgres/db.ts';
import { testDataRole } from '../../platform/postgres/test-data-role.ts';
import type { GuardedTable, GuardGraph } from './graph.ts';
import { digestOfCatalogue, digestOfGenerated } from './seal.ts';
import { type GuardTrigger, guardTriggers } from './triggers.ts';

/** The guards of the tables themselves: whether they are there, in force, and what was made. */

interface FoundGuards extends Record<string, unknown> {
  name: string;
  rowSecurity: boolean;
  hasPolicy: boolean;
  /** The guards' functions, as their owner, see its rows in the role's session too. */
  isOpenToGuards: boolean;
  /** The seal, and what it would be of the guards that are there. */
  seal: string | null;
  catalogue: string;
  /** By name: when it fires, as the catalogue has it, and the source of its function. */
  triggers: Record<string, { enabled: string; body: string; definer: boolean }>;
}

export async function findTableFaults(
  db: Executor,
  graph: GuardGraph,
  tables: GuardedTable[],
): Promise<string[]> {
  const found = await readGuards(db, tables);
  return tables.flatMap(table => {
    const guards = found.find(({ name }) => name === table.name);
    if (guards === undefined) return [`${table.name} is gone`];
    const missing = [
      ...policyFaults(table, guards),
      ...guardTriggers(graph, table).flatMap(trigger => triggerFaults(table, trigger, guards)),
    ];
    return missing.length > 0 ? missing : sealFaults(graph, table, guards);
  });
}

const policyFaults = ({ name }: GuardedTable, guards: FoundGuards): string[] => [
  ...(guards.rowSecurity ? [] : [`row-level security of ${name} is off`]),
  ...(guards.hasPolicy ? [] : [`${name} has no restrictive policy muster_guard for ${testDataRole}`]),
  ...(guards.isOpenToGuards
    ? []
    : [`row-level security hides rows of ${name} from the functions of the guards`]),
];

function triggerFaults(
  table: GuardedTable,
  { name, call }: GuardTrigger,
  { triggers }: FoundGuards,
): string[] {
  const trigger = triggers[name];
  if (trigger === undefined) return [`${table.name} has no trigger ${name}${howReached(table)}`];
  if (trigger.enabled !== 'A') return [`the trigger ${name} of ${table.name} is not ENABLE ALWAYS`];
  const isOurs = trigger.body === call.body && trigger.definer;
  return isOurs ? [] : [`the trigger ${name} of ${table.name} runs something else than ${call.name}`];
}

/** Guards that have their names, and are not what they were, or not for this mapping. */
function sealFaults(graph: GuardGraph, table: GuardedTable, { seal, catalogue }: FoundGuards): string[] {
  const [generated, sealed] = seal?.split(' ') ?? [];
  if (generated !== digestOfGenerated(graph, table))
    return [`the guards of ${table.name} were made for something else`];
  return sealed === catalogue ? [] : [`the guards of ${table.name} were changed after they were made`];
}

/** Which foreign key makes it dangerous. */
function howReached({ keys }: GuardedTable): string {
  const cascade = keys.find(({ onDelete }) => !['no action', 'restrict'].includes(onDelete));
  return cascade === undefined ? '' : ` (${cascade.constraint}: on delete ${cascade.onDelete})`;
}

const readGuards = (db: Executor, tables: GuardedTable[]): Promise<FoundGuards[]> =>
  db.transaction(
    async tx => {
      await tx.execute(sql`select set_config('search_path', 'pg_catalog', true)`); // for the seal
      return selectGuards(tx, tables);
    },
    { accessMode: 'read only' },
  );

const selectGuards = (db: Executor, tables: GuardedTable[]): Promise<FoundGuards[]> =>
  db.execute<FoundGuards>(sql`
    select wanted.name, t.relrowsecurity as "rowSecurity",
      exists (
        select from pg_policy p where p.polrelid = t.oid and p.polname = 'muster_guard' and not p.polpermissive
          and p.polcmd = '*' and p.polroles && array[0, ${testDataRole}::regrole::oid]
      ) as "hasPolicy",
      not exists (
        select from pg_proc f join pg_roles o on o.oid = f.proowner
        where f.pronamespace = to_regnamespace('muster_guards') and f.prosecdef
          and not (o.rolsuper or o.rolbypassrls)
          and (t.relforcerowsecurity or not pg_has_role(o.oid, t.relowner, 'USAGE'))
          and not exists (
            select from pg_policy p
            where p.polrelid = t.oid and p.polname = 'muster_guard_seen' and o.oid = any (p.polroles))
      ) as "isOpenToGuards",
      (
        select obj_description(p.oid, 'pg_policy') from pg_policy p
        where p.polrelid = t.oid and p.polname = 'muster_guard'
      ) as seal, ${sql.raw(digestOfCatalogue('t.oid'))} as catalogue,
      coalesce((
        select jsonb_object_agg(g.tgname,
          jsonb_build_object('enabled', g.tgenabled, 'body', f.prosrc, 'definer', f.prosecdef))
        from pg_trigger g join pg_proc f on f.oid = g.tgfoid where g.tgrelid = t.oid and not g.tgisinternal
      ), '{}') as triggers
    from jsonb_array_elements_text(${JSON.stringify(tables.map(({ name }) => name))}::jsonb) as wanted (name)
    join pg_namespace n on true join pg_class t on t.relnamespace = n.oid
      and format('%I.%I', n.nspname, t.relname) = wanted.name`);
