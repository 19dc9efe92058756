import { expand } from '../../../../shared/contracts/username-pattern.ts';
import { messageOf } from '../../../../shared/kernel/errors.ts';
import type { Executor } from '../../../../shared/platform/db.ts';
import { sqlMessageOf, sqlStateOf } from '../../../../shared/platform/sql-state.ts';
import type { UserFailure } from '../../../../shared/store/bulk-ledger.ts';
import { type ChunkRange, createUsersApart, type UserSpec } from '../../../../shared/store/user-creation.ts';
import type { UserTable } from '../../../../shared/store/user-table.ts';

/**
 * Lets users whose name is taken fail alone, and rows that the table refuses too. The whole range is one statement;
 * only when that is refused because of a row (a check, a trigger, a value that does not fit) is the range halved, until
 * the rows at fault stand alone: k bad rows cost about 2k log2(n) statements.
 */
export async function createRange(tx: Executor, users: UserTable, chunk: ChunkRange): Promise<UserFailure[]> {
  try {
    return await tx.transaction(savepoint => createUsersApart(savepoint, users, chunk));
  } catch (error) {
    const code = rowFaultOf(error);
    if (code === undefined) throw error;
    const { first, last } = chunk.range;
    if (first === last) return [failureOf(chunk.spec, first, code, error)];
    const middle = Math.floor((first + last) / 2);
    const lower = await createRange(tx, users, { ...chunk, range: { first, last: middle } });
    return lower.concat(await createRange(tx, users, { ...chunk, range: { first: middle + 1, last } }));
  }
}

/** The reason code of an SQLSTATE that blames a row; undefined for all others, which fail the whole chunk. */
export function rowFaultOf(error: unknown): string | undefined {
  const state = sqlStateOf(error);
  if (state === undefined) return undefined;
  return reasons[state] ?? (state.startsWith('22') ? 'invalid_value' : classReason(state));
}

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

const failureOf = (
  { usernamePattern }: UserSpec,
  index: number,
  code: string,
  error: unknown,
): UserFailure => ({
  index,
  username: expand(usernamePattern, index),
  code,
  detail: sqlMessageOf(error) ?? messageOf(error),
});
