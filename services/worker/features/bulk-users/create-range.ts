import { expand } from '../../../../shared/contracts/username-pattern.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import { sqlStateOf } from '../../../../shared/platform/postgres/sql-state.ts';
import type { UserFailure } from '../../../../shared/store/bulk-users/bulk-ledger.ts';
import {
  type ChunkRange,
  createUsersApart,
  type UserSpec,
} from '../../../../shared/store/bulk-users/user-creation.ts';
import {
  createUsersSingly,
  type RefusedRow,
} from '../../../../shared/store/bulk-users/user-creation-singly.ts';
import type { UserTable } from '../../../../shared/store/users/user-table.ts';

/** Rows that are made one by one where one of them is at fault: few enough that halving finds a lone one quickly. */
const singly = 64;

/**
 * Lets users whose name is taken fail alone, and rows that the table refuses too. The whole range is one statement;
 * only when that is refused because of a row (a check, a trigger, a value that does not fit) is the range halved, until
 * the rows at fault stand among few, which are then tried one by one.
 */
export async function createRange(tx: Executor, users: UserTable, chunk: ChunkRange): Promise<UserFailure[]> {
  try {
    return await tx.transaction(savepoint => createUsersApart(savepoint, users, chunk));
  } catch (error) {
    if (rowFaultOf(error) === undefined) throw error;
    const { first, last } = chunk.range;
    if (last - first < singly) {
      const { refused, conflicts } = await createUsersSingly(tx, users, chunk);
      return conflicts.concat(refused.map(row => failureOf(chunk.spec, row)));
    }
    const middle = Math.floor((first + last) / 2);
    const lower = await createRange(tx, users, { ...chunk, range: { first, last: middle } });
    return lower.concat(await createRange(tx, users, { ...chunk, range: { first: middle + 1, last } }));
  }
}

/** The reason code of an SQLSTATE that blames a row; undefined for all others, which fail the whole chunk. */
export function rowFaultOf(error: unknown): string | undefined {
  const state = sqlStateOf(error);
  return state === undefined ? undefined : reasonOf(state);
}

const reasonOf = (state: string): string | undefined =>
  reasons[state] ?? (state.startsWith('22') ? 'invalid_value' : classReason(state));

const classReason = (state: string): string | undefined =>
  state.startsWith('23') || state === 'P0001' ? 'constraint_violation' : undefined;

/** PostgreSQL, appendix A. `docs/reason-codes.md` lists them for users. */
const reasons: Record<string, string> = {
  '22001': 'value_too_long',
  '23502': 'missing_value',
  '23503': 'missing_reference',
  '23505': 'duplicate_value',
  '23514': 'check_violation',
};

const failureOf = ({ usernamePattern }: UserSpec, { index, state, message }: RefusedRow): UserFailure => ({
  index,
  username: expand(usernamePattern, index),
  code: reasonOf(state) ?? 'constraint_violation',
  detail: message,
});
