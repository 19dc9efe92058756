import { testDataRole } from '../../platform/postgres/test-data-role.ts';
import { type GuardFunction, guardFunctions } from './functions.ts';
import type { GuardedTable, GuardGraph } from './graph.ts';

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

export const createTrigger = (
  { name }: GuardedTable,
  { name: trigger, event, call }: GuardTrigger,
): string[] => [
  `create or replace trigger ${trigger} ${event} execute function ${call.name}()`,
  `alter table ${name} enable always trigger ${trigger}`,
];
