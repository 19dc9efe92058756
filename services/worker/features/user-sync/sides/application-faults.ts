import type { SyncFault } from '../../../../../shared/contracts/user-sync.ts';
import { sqlMessageOf, sqlStateOf } from '../../../../../shared/platform/postgres/sql-state.ts';
import type { UserReference } from '../../../../../shared/store/users/user-references.ts';
import type { SyncUser } from './sides.ts';

/** What keeps the application from taking a user over, told of each by itself. */

/** An address that somebody else has, who may give it up later in the same sync. */
export const addressCodes: readonly string[] = ['email_taken', 'not_writable'];

export const refusedRow = (username: string, error: unknown): SyncFault => ({
  kind: 'conflict',
  code: sqlStateOf(error) === '23505' ? 'email_taken' : 'refused_by_application',
  message: `The application refused ${username}: ${sqlMessageOf(error)}`,
  username,
});

export const wouldCascade = (username: string, { name, table }: UserReference): SyncFault => ({
  kind: 'conflict',
  code: 'refused_by_application',
  message: `${username} stays in the application: rows of ${table}, which Muster may not delete, would go with it by ${name}`,
  username,
});

export const inTheWay = (username: string): SyncFault => ({
  kind: 'conflict',
  code: 'not_writable',
  message: `${username}, or its address, is somebody else's in the application: a production user's, or of another batch`,
  username,
});

export const changedMeanwhile = (username: string): SyncFault => ({
  kind: 'conflict',
  code: 'changed_meanwhile',
  message: `${username} was changed in the application while the sync was on: the next one looks at it again`,
  username,
});

export const notATestUser = ({ username }: SyncUser): SyncFault => ({
  kind: 'conflict',
  code: 'production_user',
  message: `${username} is no test user: only those are written to the application`,
  username,
});
