import { createHash } from 'node:crypto';
import { testDataRole } from '../../platform/test-data-role.ts';
import { type Conditions, guardConditions } from './conditions.ts';
import type { GuardedTable, GuardGraph } from './graph.ts';

/**
 * The guards as SQL (docs/safe-cleanup.md): for the storefront they are a migration, for another application
 * `npm run guards:sql` prints them. Run again they change nothing; run after the application got another table, they
 * guard that as well.
 */
const guardSchema = 'muster_guards';

/** What the database has of a table already. */
export interface TableState {
  name: string;
  /** The application has row-level security of its own there: its policies stay in charge of its own roles. */
  hasOwnPolicies: boolean;
}

/** What the users table has already. */
export interface UsersState {
  /** Of its primary key. */
  key: string[];
  id: string;
  /** All columns that a statement may set. */
  columns: string[];
  username: string;
  email: string;
  /** A check on both marker columns is there. */
  markersAreTied: boolean;
  isTestDefaultsToFalse: boolean;
}

/** A trigger's function: its name, with the schema, and what it runs. */
interface GuardFunction {
  name: string;
  body: string;
}

interface GuardFunctions {
  /** By table; those of the users table are enough with their triggers' conditions. */
  rows: Map<string, GuardFunction>;
  markers: GuardFunction;
  truncate: GuardFunction;
}

function guardFunctions(graph: GuardGraph): GuardFunctions {
  const conditions = guardConditions(graph);
  const children = graph.tables
    .slice(1)
    .map(table => ({ name: functionName(table.name), body: childBody(table, conditions) }));
  const users = { name: `${guardSchema}.refuse_row`, body: block(refusal) };
  return {
    rows: new Map(graph.tables.map(({ name }, place) => [name, children[place - 1] ?? users])),
    markers: {
      name: `${guardSchema}.markers_stay`,
      body: block(raise("'The markers of a row in %.% cannot be changed', tg_table_schema, tg_table_name")),
    },
    truncate: {
      name: `${guardSchema}.no_truncate`,
      body: block(raise("'% may not truncate %.%', session_user, tg_table_schema, tg_table_name")),
    },
  };
}

const block = (statements: string): string => `\nbegin\n  ${statements}\nend\n`;

/** SQLSTATE 42501, which blames no row of a batch: whatever meets a guard stops as a whole, and is not tried again. */
const raise = (message: string): string =>
  `raise exception ${message} using errcode = 'insufficient_privilege';`;

const refusal = raise(
  "'% may not % rows of production in %.%', session_user, lower(tg_op), tg_table_schema, tg_table_name",
);

/** A row that loses its user by `set null` may stay, as nobody's; it may not come to be a production user's. */
const childBody = (table: GuardedTable, { isProduction, refersToProduction }: Conditions): string =>
  block(`if tg_op = 'INSERT' then
    if ${isProduction(table, 'new')} then
      ${refusal}
    end if;
    return new;
  end if;
  if ${isProduction(table, 'old')} then
    ${refusal}
  end if;
  if tg_op = 'DELETE' then return old; end if;
  if ${refersToProduction(table, 'new')} then
    ${refusal}
  end if;
  return new;`);

/** `muster_guards.rows_of_<table>`, shortened with a digest where PostgreSQL would cut it. */
function functionName(table: string): string {
  const plain = table.replaceAll('"', '').replace(/[^A-Za-z0-9_]/g, '_');
  const digest = createHash('sha256').update(table).digest('hex').slice(0, 8);
  const fits = plain.length <= 50 && /^[a-z0-9_.]+$/.test(table);
  return `${guardSchema}.rows_of_${fits ? plain : `${plain.toLowerCase().slice(0, 40)}_${digest}`}`;
}

/** Everything, in the order in which it must run. */
export function guardStatements(graph: GuardGraph, users: UsersState, states: TableState[]): string[] {
  const functions = guardFunctions(graph);
  const conditions = guardConditions(graph);
  const hasOwnPolicies = new Set(states.filter(state => state.hasOwnPolicies).map(state => state.name));
  const root = graph.tables[0];
  if (root === undefined) return [];
  return [
    `create schema if not exists ${guardSchema}`,
    `revoke all on schema ${guardSchema} from public`,
    `grant usage on schema ${guardSchema} to ${testDataRole}`,
    ...markerStatements(graph, root, users),
    ...[...new Set([...functions.rows.values(), functions.markers, functions.truncate])].map(createFunction),
    ...graph.tables.flatMap(table => [
      ...privileges(graph, table, users),
      ...policies(table, conditions, hasOwnPolicies.has(table.name)),
      ...guardTriggers(graph, table).flatMap(trigger => createTrigger(table, trigger)),
    ]),
    ...nameView(graph, root, users),
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
          `alter table ${name} add constraint muster_guard_markers check ((${isTest} is true) = (${batch} is not null))`,
        ]),
  ];
}

/** Of the schema's owner, and with a search path that nobody can turn: what they look up is not what their caller sees. */
const createFunction = ({ name, body }: GuardFunction): string =>
  `create or replace function ${name}() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $guard$${body}$guard$`;

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
  ];
}

/**
 * Where the application has no policies, all roles but ours go on as before, the owner too, whom FORCE would otherwise
 * keep out. Where it has, they stay as they are, and only our role gets another one.
 */
function policies(table: GuardedTable, { isTest }: Conditions, hasOwnPolicies: boolean): string[] {
  const { name } = table;
  const test = isTest(table, name);
  return [
    `alter table ${name} enable row level security`,
    ...(hasOwnPolicies ? [] : [`alter table ${name} force row level security`]),
    `drop policy if exists muster_guard_open on ${name}`,
    `create policy muster_guard_open on ${name} as permissive for all to ${hasOwnPolicies ? testDataRole : 'public'} using (true) with check (true)`,
    `drop policy if exists muster_guard on ${name}`,
    `create policy muster_guard on ${name} as restrictive for all to ${testDataRole} using (${test}) with check (${test})`,
  ];
}

/** A trigger on a table: `when` is what an application's own statements pay for it. */
export interface GuardTrigger {
  name: string;
  event: string;
  call: GuardFunction;
}

/** All triggers of a table. That of the users' own rows calls nothing for a test user: a million are made that way. */
export function guardTriggers(graph: GuardGraph, table: GuardedTable): GuardTrigger[] {
  const { rows, markers, truncate } = guardFunctions(graph);
  const call = rows.get(table.name) ?? markers;
  const ours = `session_user = '${testDataRole}'`;
  const ofRows = (name: string, event: string, when: string, called = call): GuardTrigger => ({
    name,
    event: `before ${event} on ${table.name} for each row when (${when})`,
    call: called,
  });
  const noTruncate = {
    name: 'muster_guard_truncate',
    event: `before truncate on ${table.name} for each statement when (${ours})`,
    call: truncate,
  };
  if (table !== graph.tables[0])
    return [ofRows('muster_guard', 'insert or update or delete', ours), noTruncate];
  const production = (row: string) => `${row}.${graph.isTest} is not true`;
  const changed = [graph.isTest, graph.batch, ...graph.markers].map(
    column => `old.${column} is distinct from new.${column}`,
  );
  return [
    ofRows('muster_guard_insert', 'insert', `${ours} and ${production('new')}`),
    ofRows('muster_guard_update', 'update', `${ours} and (${production('old')} or ${production('new')})`),
    ofRows('muster_guard_delete', 'delete', `${ours} and ${production('old')}`),
    noTruncate,
    ofRows('muster_guard_markers', 'update', changed.join(' or '), markers),
  ];
}

const createTrigger = ({ name }: GuardedTable, { name: trigger, event, call }: GuardTrigger): string[] => [
  `create or replace trigger ${trigger} ${event} execute function ${call.name}()`,
  `alter table ${name} enable always trigger ${trigger}`,
];

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
