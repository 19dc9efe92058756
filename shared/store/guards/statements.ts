import { testDataRole } from '../../platform/postgres/test-data-role.ts';
import { createFunction, createOtherSession, guardFunctions, guardSchema } from './functions.ts';
import type { GuardedTable, GuardGraph } from './graph.ts';
import { policies } from './policies.ts';
import { sealStatement } from './seal.ts';
import { createTrigger, guardTriggers } from './triggers.ts';

/**
 * The guards as SQL (docs/safe-cleanup.md): for the storefront they are a migration, for another application
 * `npm run guards:sql` prints them. Run again they change nothing; run after the application got another table, they
 * guard that as well.
 */

/** What the database has of a table already. */
export interface TableState {
  name: string;
  /** The application has row-level security of its own there: its policies stay in charge of its own roles. */
  hasOwnPolicies: boolean;
}

/** What the users table has already. */
export interface UsersState {
  /** The columns of its primary key. */
  key: string[];
  id: string;
  /** All columns that a statement may set. */
  columns: string[];
  username: string;
  email: string;
  /** The sequences from which its defaults take numbers. */
  sequences: string[];
  /** A check is there by which a row has a batch exactly where it is a test user's. */
  markersAreTied: boolean;
  isTestDefaultsToFalse: boolean;
}

/** Everything, in the order in which it must run. */
export function guardStatements(graph: GuardGraph, users: UsersState, states: TableState[]): string[] {
  const functions = guardFunctions(graph);
  const hasOwnPolicies = new Set(states.filter(state => state.hasOwnPolicies).map(state => state.name));
  const root = graph.tables[0];
  if (root === undefined) return [];
  return [
    `create schema if not exists ${guardSchema}`,
    `revoke all on schema ${guardSchema} from public`,
    `grant usage on schema ${guardSchema} to ${testDataRole}`,
    ...markerStatements(graph, root, users),
    ...[...new Set([...functions.rows.values(), functions.markers, functions.truncate])].map(createFunction),
    ...createOtherSession,
    ...graph.tables.flatMap(table => [
      ...privileges(graph, table, users),
      ...policies(graph, table, hasOwnPolicies.has(table.name)),
      ...guardTriggers(graph, table).flatMap(trigger => createTrigger(table, trigger)),
    ]),
    ...nameView(graph, root, users),
    sealStatement(graph),
  ];
}

function markerStatements(
  { isTest, batch }: GuardGraph,
  { name }: GuardedTable,
  users: UsersState,
): string[] {
  return [
    ...(users.isTestDefaultsToFalse ? [] : [`alter table ${name} alter column ${isTest} set default false`]),
    ...(users.markersAreTied
      ? []
      : [
          `alter table ${name} drop constraint if exists muster_guard_markers`,
          `alter table ${name} add constraint muster_guard_markers check ((${isTest} is true) = (${batch} is not null))`,
        ]),
  ];
}

function privileges(graph: GuardGraph, table: GuardedTable, users: UsersState): string[] {
  const schema = schemaOf(table.name);
  const common = [
    `grant usage on schema ${schema} to ${testDataRole}`,
    `revoke all on ${table.name} from ${testDataRole}`,
  ];
  if (table !== graph.tables[0])
    return [...common, `grant select, delete on ${table.name} to ${testDataRole}`];
  const fixed = [...users.key, users.id, graph.isTest, graph.batch, ...graph.markers];
  const changeable = users.columns.filter(column => !fixed.includes(column));
  return [
    ...common,
    `grant select, insert, delete on ${table.name} to ${testDataRole}`,
    `grant update (${changeable.join(', ')}) on ${table.name} to ${testDataRole}`,
    ...users.sequences.flatMap(sequence => [
      `revoke all on sequence ${sequence} from ${testDataRole}`,
      `grant usage on sequence ${sequence} to ${testDataRole}`,
    ]),
  ];
}

/** Whose a name is that is taken: all that our role sees of production users, to say why a user cannot be made. */
const nameView = (
  { batch }: GuardGraph,
  { name }: GuardedTable,
  { id, username, email }: UsersState,
): string[] => [
  `drop view if exists ${guardSchema}.taken_names`,
  `create view ${guardSchema}.taken_names as select ${id} as id, ${username} as username, ${email} as email, ${batch} as batch_id from ${name}`,
  `revoke all on ${guardSchema}.taken_names from public, ${testDataRole}`,
  `grant select on ${guardSchema}.taken_names to ${testDataRole}`,
];

/** The schema of a qualified name, which may have a quoted dot in it. */
const schemaOf = (name: string): string => /^("(?:[^"]|"")*"|[^".]+)\./.exec(name)?.[1] ?? 'public';
