import { testDataRole } from '../../platform/postgres/test-data-role.ts';
import { guardConditions } from './conditions.ts';
import { otherSession } from './functions.ts';
import type { GuardedTable, GuardGraph } from './graph.ts';

/** The rows of a table that the role may see, and may leave behind. */
export const testRows = (graph: GuardGraph, table: GuardedTable): string =>
  guardConditions(graph).isTest(table, table.name);

/**
 * The policies of a table. A policy for the role alone is not enough: `DROP OWNED`, which the role may run, takes it down.
 * So what is left without it must show the role nothing.
 *
 * Where the application has no policies, that is `muster_guard_open`, by which all other sessions go on as before, the
 * owner's too, whom FORCE would otherwise keep out. `muster_guard_seen` opens the table to the role, as far as
 * `muster_guard` lets it, and to the guards' own functions, which see all rows in the role's session.
 *
 * Where the application has policies, they stay as they are, and may let the role in: there `muster_guard` is for
 * everybody, and holds for the role's sessions.
 */
export function policies(graph: GuardGraph, table: GuardedTable, hasOwnPolicies: boolean): string[] {
  const { name } = table;
  const test = testRows(graph, table);
  const of = (policy: string, kind: string, roles: string, rows: string): string[] => [
    `drop policy if exists ${policy} on ${name}`,
    `create policy ${policy} on ${name} as ${kind} for all to ${roles} using (${rows}) with check (${rows})`,
  ];
  const enable = `alter table ${name} enable row level security`;
  if (hasOwnPolicies) {
    return [
      enable,
      `drop policy if exists muster_guard_open on ${name}`,
      ...of('muster_guard_seen', 'permissive', testDataRole, 'true'),
      ...of('muster_guard', 'restrictive', 'public', `${otherSession}() or ${test}`),
    ];
  }
  return [
    enable,
    `alter table ${name} force row level security`,
    ...of('muster_guard_open', 'permissive', 'public', `${otherSession}()`),
    ...of('muster_guard_seen', 'permissive', `current_user, ${testDataRole}`, 'true'),
    ...of('muster_guard', 'restrictive', testDataRole, test),
  ];
}
