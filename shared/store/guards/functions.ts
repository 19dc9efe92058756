import { createHash } from 'node:crypto';
import { testDataRole } from '../../platform/postgres/test-data-role.ts';
import { type Conditions, guardConditions } from './conditions.ts';
import type { GuardedTable, GuardGraph } from './graph.ts';

/** Where the guards' own functions and the view of names are. */
export const guardSchema = 'muster_guards';

/** A trigger's function: its name, with the schema, and what it runs. */
export interface GuardFunction {
  name: string;
  body: string;
}

interface GuardFunctions {
  /** By table; those of the users table are enough with their triggers' conditions. */
  rows: Map<string, GuardFunction>;
  markers: GuardFunction;
  truncate: GuardFunction;
}

export function guardFunctions(graph: GuardGraph): GuardFunctions {
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

/**
 * A row that loses its user by `set null` may stay, as nobody's; it may not come to be a production user's. Each query
 * sees what is committed by then, and what it locks stays as it is: a snapshot from before could show a row as a test
 * user's that was given to somebody else since, so only READ COMMITTED will do.
 */
function childBody(table: GuardedTable, conditions: Conditions): string {
  const { isProduction, refersToProduction, lockParents } = conditions;
  const locks = [...lockParents(table, 'old'), ...lockParents(table, 'new')];
  return block(`if current_setting('transaction_isolation') <> 'read committed' then
    ${raise("'% may write to %.% in READ COMMITTED only', session_user, tg_table_schema, tg_table_name")}
  end if;
  ${locks.map(lock => `${lock};\n  `).join('')}if tg_op = 'INSERT' then
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
}

/** `muster_guards.rows_of_<table>`, shortened with a digest where PostgreSQL would cut it. */
function functionName(table: string): string {
  const plain = table.replaceAll('"', '').replace(/[^A-Za-z0-9_]/g, '_');
  const digest = createHash('sha256').update(table).digest('hex').slice(0, 8);
  const fits = plain.length <= 50 && /^[a-z0-9_.]+$/.test(table);
  return `${guardSchema}.rows_of_${fits ? plain : `${plain.toLowerCase().slice(0, 40)}_${digest}`}`;
}

/** Of the schema's owner, and with a search path that nobody can turn: what they look up is not what their caller sees. */
export const createFunction = ({ name, body }: GuardFunction): string =>
  `create or replace function ${name}() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $guard$${body}$guard$`;

/**
 * True for every session but the role's. It says `immutable`, so that a plan has a constant in its place: with it a
 * policy costs other sessions nothing, not even an index that a policy's condition would keep them from. In truth it
 * changes with the session; but no plan outlives that, and a session never stops being the role's.
 */
export const otherSession = `${guardSchema}.is_other_session`;

/** Whatever the default privileges are: every role that reads a guarded table calls it. */
export const createOtherSession: string[] = [
  `create or replace function ${otherSession}() returns boolean language sql immutable set search_path = pg_catalog, pg_temp as $guard$select session_user <> '${testDataRole}'$guard$`,
  `grant execute on function ${otherSession}() to public`,
];
