import { sql } from 'drizzle-orm';
import type { UserMapping } from '../../contracts/user-mapping.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/db.ts';
import { testDataRole } from '../../platform/test-data-role.ts';
import {
  type GuardedTable,
  type GuardGraph,
  guardedUsersOf,
  reachedByCascade,
  readGuardGraph,
} from './graph.ts';
import {
  canReadNames,
  readChangeableColumns,
  readRoleFaults,
  readSessionUser,
  readTablePrivileges,
  type TablePrivileges,
} from './privileges.ts';
import { readUsersState } from './state.ts';
import { guardTriggers } from './statements.ts';

/**
 * What stands between Muster and the rows of production, looked at before anything is written: the role, and the guards
 * of every table that deleting a user can reach, be it by a privilege or by a cascade. A table that came after the guards
 * is found here.
 */

/**
 * Sentences, each about one fault; none where all guards stand.
 * @param db for any role
 * @param role by which test users are written
 */
export async function findGuardFaults(
  db: Executor,
  mapping: UserMapping,
  role: string = testDataRole,
): Promise<string[]> {
  const ofRole = await findRoleFaults(db, role);
  if (ofRole.length > 0) return ofRole; // a superuser has every privilege: the rest would be noise
  const graph = await readGuardGraph(db, guardedUsersOf(mapping));
  const held = await readTablePrivileges(db);
  return [
    ...findPrivilegeFaults(graph, held),
    ...(await findMarkerFaults(db, graph, mapping)),
    ...((await canReadNames(db)) ? [] : [`${testDataRole} cannot read muster_guards.taken_names`]),
    ...(await findTableFaults(db, graph, withGuards(graph, held))),
  ];
}

/**
 * @param db for the role that writes to test users
 * @throws AppError `conflict` that names every fault
 */
export async function assertGuards(db: Executor, mapping: UserMapping): Promise<void> {
  const faults = await findGuardFaults(db, mapping, await readSessionUser(db));
  if (faults.length === 0) return;
  throw new AppError('conflict', `Production users are not guarded: ${faults.join('; ')}`, {
    hint: 'Nothing is written like this. npm run guards:sql prints what an administrator should run; docs/safe-cleanup.md explains it.',
    details: faults,
  });
}

async function findRoleFaults(db: Executor, role: string): Promise<string[]> {
  const found = await readRoleFaults(db, role);
  if (found === undefined) return [`there is no role ${role}`];
  const { powers, owned, creates } = found;
  return [
    ...powers.map(
      power => `the role of TEST_DATA_DATABASE_URL, which must be no more than ${testDataRole}, ${power}`,
    ),
    ...owned.map(object => `${testDataRole} owns ${object}`),
    ...creates.map(place => `${testDataRole} may create objects in ${place}`),
  ];
}

const isHarmless = (privilege: string): boolean => ['INSERT', 'UPDATE', 'DELETE'].includes(privilege);

/** On a guarded table the role may change rows, since the guards say which; elsewhere it may change nothing. */
function findPrivilegeFaults({ tables }: GuardGraph, held: TablePrivileges[]): string[] {
  return held.flatMap(({ name, privileges, hasGuards }) => {
    const isGuarded = hasGuards || tables.some(table => table.name === name);
    const excess = privileges.filter(privilege => !(isGuarded && isHarmless(privilege)));
    return excess.length === 0 ? [] : [`${testDataRole} has ${excess.join(', ')} on ${name}`];
  });
}

function withGuards({ tables }: GuardGraph, held: TablePrivileges[]): GuardedTable[] {
  const reached = new Set([...reachedByCascade(tables), ...held].map(({ name }) => name));
  return tables.filter(({ name }) => reached.has(name));
}

async function findMarkerFaults(db: Executor, graph: GuardGraph, mapping: UserMapping): Promise<string[]> {
  const users = graph.tables[0]?.name ?? '';
  const markers = [graph.isTest, graph.batch, ...graph.markers];
  const { id, username, email } = mapping.columns;
  const names = { id: id.name, username: username.name, email: email.name };
  const { markersAreTied, isTestDefaultsToFalse } = await readUsersState(db, graph, names);
  const changeable = await readChangeableColumns(db, users, markers);
  return [
    ...changeable.map(column => `${testDataRole} may change ${users}.${column}`),
    ...(isTestDefaultsToFalse ? [] : [`${users}.${graph.isTest} does not default to false`]),
    ...(markersAreTied ? [] : [`no check of ${users} ties ${graph.isTest} to ${graph.batch}`]),
  ];
}

interface FoundGuards extends Record<string, unknown> {
  name: string;
  rowSecurity: boolean;
  hasPolicy: boolean;
  /** By name: when it fires, as the catalogue has it, and the source of its function. */
  triggers: Record<string, { enabled: string; body: string; definer: boolean }>;
}

async function findTableFaults(db: Executor, graph: GuardGraph, tables: GuardedTable[]): Promise<string[]> {
  const found = await readGuards(db, tables);
  return tables.flatMap(table => {
    const guards = found.find(({ name }) => name === table.name);
    if (guards === undefined) return [`${table.name} is gone`];
    return [
      ...(guards.rowSecurity ? [] : [`row-level security of ${table.name} is off`]),
      ...(guards.hasPolicy
        ? []
        : [`${table.name} has no restrictive policy muster_guard for ${testDataRole}`]),
      ...guardTriggers(graph, table).flatMap(({ name, call }) => {
        const trigger = guards.triggers[name];
        if (trigger === undefined) return [`${table.name} has no trigger ${name}${howReached(table)}`];
        if (trigger.enabled !== 'A') return [`the trigger ${name} of ${table.name} is not ENABLE ALWAYS`];
        const isOurs = trigger.body === call.body && trigger.definer;
        return isOurs ? [] : [`the trigger ${name} of ${table.name} runs something else than ${call.name}`];
      }),
    ];
  });
}

/** Which foreign key makes it dangerous. */
function howReached({ references }: GuardedTable): string {
  const cascade = references.find(({ onDelete }) => !['no action', 'restrict'].includes(onDelete));
  return cascade === undefined ? '' : ` (${cascade.constraint}: on delete ${cascade.onDelete})`;
}

const readGuards = (db: Executor, tables: GuardedTable[]): Promise<FoundGuards[]> =>
  db.execute<FoundGuards>(sql`
    select wanted.name, t.relrowsecurity as "rowSecurity",
      exists (
        select from pg_policy p where p.polrelid = t.oid and p.polname = 'muster_guard' and not p.polpermissive
          and p.polcmd = '*' and p.polroles = array[${testDataRole}::regrole::oid]
      ) as "hasPolicy",
      coalesce((
        select jsonb_object_agg(g.tgname,
          jsonb_build_object('enabled', g.tgenabled, 'body', f.prosrc, 'definer', f.prosecdef))
        from pg_trigger g join pg_proc f on f.oid = g.tgfoid where g.tgrelid = t.oid and not g.tgisinternal
      ), '{}') as triggers
    from jsonb_array_elements_text(${JSON.stringify(tables.map(({ name }) => name))}::jsonb) as wanted (name)
    join pg_namespace n on true join pg_class t on t.relnamespace = n.oid
      and format('%I.%I', n.nspname, t.relname) = wanted.name`);
