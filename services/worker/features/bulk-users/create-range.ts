import { expand } from '../../../../shared/contracts/username-pattern.ts';
import { messageOf } from '../../../../shared/kernel/errors.ts';
import type { Executor } from '../../../../shared/platform/db.ts';
import { sqlMessageOf, sqlStateOf } from '../../../../shared/platform/sql-state.ts';
import type { UserFailure } from '../../../../shared/store/bulk-ledger.ts';
import {
  createUsersApart,
  createUsersTogether,
  type IdRange,
  type UserSpec,
} from '../../../../shared/store/user-directory.ts';

/**
 * Creates a range of users, in the hope that nothing stands in the way: one statement, under a savepoint. If a name is
 * taken or a row is refused, the range is done again with care. The hope costs little where it fails (the statement
 * ends at the first such row) and saves the look into every unique index where it holds.
 */
export async function createRange(tx: Executor, spec: UserSpec, range: IdRange): Promise<UserFailure[]> {
  try {
    await tx.transaction(savepoint => createUsersTogether(savepoint, spec, range));
    return [];
  } catch (error) {
    if (reasonOf(error) === undefined) throw error;
    return createWithCare(tx, spec, range);
  }
}

/**
 * Lets users whose name is taken fail alone, and rows that the table refuses too. The whole range is one statement;
 * only when that is refused because of a row (a check, a trigger, a value that does not fit) is the range halved, until
 * the rows at fault stand alone: k bad rows cost about 2k log2(n) statements.
 */
async function createWithCare(tx: Executor, spec: UserSpec, range: IdRange): Promise<UserFailure[]> {
  try {
    return await tx.transaction(savepoint => createUsersApart(savepoint, spec, range));
  } catch (error) {
    const code = reasonOf(error);
    if (code === undefined) throw error;
    if (range.first === range.last) return [failureOf(spec, range.first, code, error)];
    const middle = Math.floor((range.first + range.last) / 2);
    const lower = await createWithCare(tx, spec, { first: range.first, last: middle });
    return lower.concat(await createWithCare(tx, spec, { first: middle + 1, last: range.last }));
  }
}

/** The reason code of an SQLSTATE that blames a row; undefined for all others, which fail the whole chunk. */
function reasonOf(error: unknown): string | undefined {
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
