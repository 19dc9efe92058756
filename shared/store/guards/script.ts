import type { UserMapping } from '../../contracts/user-mapping.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { guardedUsersOf, readGuardGraph } from './graph.ts';
import { namesOf, readTableStates, readUsersState } from './state.ts';
import { guardStatements } from './statements.ts';

/** The statements that guard an application's users, from the tables that it has now. Reads only. */
export async function readGuardScript(db: Executor, mapping: UserMapping): Promise<string[]> {
  const graph = await readGuardGraph(db, guardedUsersOf(mapping));
  const users = await readUsersState(db, graph, namesOf(mapping));
  return guardStatements(graph, users, await readTableStates(db, graph));
}
