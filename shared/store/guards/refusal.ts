import { AppError } from '../../kernel/errors.ts';
import { sqlMessageOf, sqlStateOf } from '../../platform/postgres/sql-state.ts';
import { testDataRole } from '../../platform/postgres/test-data-role.ts';

/** SQLSTATE `insufficient_privilege`: triggers, policies and privileges all refuse with it. */
const refused = '42501';

/**
 * What a guard said, as an error that is final; undefined for all other errors. The database has undone the statement,
 * and with it the transaction.
 */
export function guardRefusalOf(error: unknown): AppError | undefined {
  if (sqlStateOf(error) !== refused) return undefined;
  return new AppError(
    'guard_refused',
    `The application's database refuses it to ${testDataRole}: ${sqlMessageOf(error)}`,
    {
      hint: 'docs/safe-cleanup.md says what is guarded; GET /api/health whether the guards are as they should be.',
    },
  );
}
