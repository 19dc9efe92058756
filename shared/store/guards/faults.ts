import type { UserMapping } from '../../contracts/user-mapping.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { testDataRole } from '../../platform/postgres/test-data-role.ts';
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
  readClosedSequences,
  readRoleFaults,
  readSessionUser,
  readTablePrivileges,
  type TablePrivileges,
} from './privileges.ts';
import { namesOf, readUsersState } from './state.ts';
import type { UsersState } from './statements.ts';
import { findTableFaults } from './table-faults.ts';

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
  const users = await readUsersState(db, graph, namesOf(mapping));
  const held = await readTablePrivileges(db);
  return [
    ...findPrivilegeFaults(graph, users, held),
    ...(await findMarkerFaults(db, graph, users)),
    ...((await canReadNames(db)) ? [] : [`${testDataRole} cannot read muster_guards.taken_names`]),
    ...(await readClosedSequences(db, users.sequences)).map(
      name => `${testDataRole} may not use the sequence ${name}`,
    ),
    ...(await findTableFaults(db, graph, withGuards(graph, held))),
  ];
}

/**
 * @param db for the role that writes to test users
 * @throws AppError `guard_refused` that names every fault
 */
export async function assertGuards(db: Executor, mapping: UserMapping): Promise<void> {
  const faults = await findGuardFaults(db, mapping, await readSessionUser(db));
  if (faults.length === 0) return;
  throw new AppError('guard_refused', `Production users are not guarded: ${faults.join('; ')}`, {
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

/** What the role may do where no guard looks: to its ledger, which it writes in one transaction with the users. */
const ofLedger: Record<string, string[]> = {
  'muster.bulk_chunks': ['INSERT', 'UPDATE'],
  'muster.bulk_failures': ['INSERT', 'DELETE'],
};

/** On a guarded table the role may change rows, since the guards say which; elsewhere next to nothing. */
function findPrivilegeFaults({ tables }: GuardGraph, users: UsersState, held: TablePrivileges[]): string[] {
  const allowed = ({ name, hasGuards }: TablePrivileges): string[] => {
    if (hasGuards || tables.some(table => table.name === name)) return ['INSERT', 'UPDATE', 'DELETE'];
    return users.sequences.includes(name) ? ['USAGE'] : (ofLedger[name] ?? []);
  };
  return held.flatMap(relation => {
    const excess = relation.privileges.filter(privilege => !allowed(relation).includes(privilege));
    return excess.length === 0 ? [] : [`${testDataRole} has ${excess.join(', ')} on ${relation.name}`];
  });
}

/** What the role may write to, and what goes or changes with that. */
function withGuards({ tables }: GuardGraph, held: TablePrivileges[]): GuardedTable[] {
  const written = held.map(({ name }) => name);
  return reachedByCascade(tables, [...tables.slice(0, 1).map(({ name }) => name), ...written]);
}

async function findMarkerFaults(db: Executor, graph: GuardGraph, state: UsersState): Promise<string[]> {
  const users = graph.tables[0]?.name ?? '';
  const changeable = await readChangeableColumns(db, users, [graph.isTest, graph.batch, ...graph.markers]);
  return [
    ...changeable.map(column => `${testDataRole} may change ${users}.${column}`),
    ...(state.isTestDefaultsToFalse ? [] : [`${users}.${graph.isTest} does not default to false`]),
    ...(state.markersAreTied ? [] : [`no check of ${users} ties ${graph.isTest} to ${graph.batch}`]),
  ];
}
