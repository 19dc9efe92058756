import type { SyncFault } from '../../../../../shared/contracts/user-sync.ts';
import { isWrittenUuid } from '../../../../../shared/kernel/ids.ts';
import type { SyncUser } from './sides.ts';

/**
 * Users whom a pool of accounts can hold as they are, and the faults of the others. Its column of batches is a `uuid`, an
 * application's may be text: what is written in another way there than PostgreSQL writes a UUID would be another text in
 * the pool, and the two sides never the same.
 */
export function divideHeld(users: readonly SyncUser[]): { held: SyncUser[]; faults: SyncFault[] } {
  const canBeHeld = ({ test_batch_id: batch }: SyncUser) => batch === null || isWrittenUuid(batch);
  return {
    held: users.filter(canBeHeld),
    faults: users.filter(user => !canBeHeld(user)).map(notHeld),
  };
}

const notHeld = ({ username }: SyncUser): SyncFault => ({
  kind: 'format',
  code: 'invalid_format',
  message: `the batch of ${username} in the application is not a UUID in lower case, with its hyphens`,
  username,
});
