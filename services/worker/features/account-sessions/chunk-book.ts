import { AppError } from '../../../../shared/kernel/errors.ts';
import { isLoggedIn, type LoginOutcome } from '../../../../shared/platform/target/login-client.ts';
import { type LoginChunkLease, recordLogins } from '../../../../shared/store/accounts/account-logins.ts';
import { newSession } from '../../../../shared/store/accounts/account-session-secrets.ts';
import type { NewSession } from '../../../../shared/store/accounts/account-sessions.ts';
import type { AccountSessionsDeps } from './deps.ts';

/** What the logins of a chunk gave, on its way to Postgres. */
export interface ChunkBook {
  add(accountId: string, outcome: LoginOutcome): void;
  /** Writes what is left. @throws AppError `lease_lost`, or why it could not be written */
  close(): Promise<void>;
}

/** Also how soon a lane sees that its chunk was withdrawn. */
const writeEveryMs = 500;

/** Writes sessions as they come, with the counts of the chunk, as long as its lease holds; says when it does not. */
export function createChunkBook(
  { db, vault }: Pick<AccountSessionsDeps, 'db' | 'vault'>,
  lease: LoginChunkLease,
  { origin, onFailure }: { origin: string; onFailure: (reason: unknown) => void },
): ChunkBook {
  const failures = { ...lease.failures };
  let loggedIn = lease.loggedIn;
  let waiting: NewSession[] = [];
  let writing = Promise.resolve();

  async function write(): Promise<void> {
    const sessions = waiting;
    waiting = [];
    const kept = await recordLogins(db, lease, { loggedIn, failures: { ...failures } }, { origin, sessions });
    if (!kept) throw new AppError('lease_lost');
  }

  const timer = setInterval(() => {
    writing = writing.then(write);
    writing.catch(onFailure);
  }, writeEveryMs);

  return {
    add(accountId, outcome) {
      if (isLoggedIn(outcome)) loggedIn++;
      else failures[outcome.code] = (failures[outcome.code] ?? 0) + 1;
      waiting.push(newSession(vault, accountId, outcome));
    },
    async close() {
      clearInterval(timer);
      writing = writing.then(write); // kept: sessions that could not be written must not be counted by a second close
      await writing.catch((error: unknown) => {
        onFailure(error);
        throw error;
      });
    },
  };
}
