import type { BulkLoginInput } from '../../../../shared/contracts/account-sessions.ts';
import type { LoginOutcome } from '../../../../shared/platform/target/login-client.ts';
import {
  claimLoginChunk,
  concludeLoginChunk,
  type DueAccount,
  listDueAccounts,
} from '../../../../shared/store/accounts/account-logins.ts';
import { type ChunkBook, createChunkBook } from './chunk-book.ts';
import type { AccountSessionsDeps } from './deps.ts';

/** An account that is to be logged in, and where to say what came of it. */
interface DueLogin {
  account: DueAccount;
  /** Concludes the chunk when it is the last of it. */
  settle(outcome: LoginOutcome): Promise<void>;
}

/** What a lane has to do, chunk after chunk. */
export interface DueLogins extends AsyncIterable<DueLogin> {
  /** Writes what is left of the chunks that were not concluded; they stay to be done. */
  close(): Promise<void>;
}

export interface DueLoginsOptions {
  jobId: string;
  lane: number;
  input: BulkLoginInput;
  signal: AbortSignal;
  /** A chunk is another's, or its sessions cannot be written. */
  onFailure: (reason: unknown) => void;
}

/**
 * Takes the next chunk once the last account of the one before is given out, not once all of its logins are over: lanes
 * that wait for their slowest at the end of each chunk leave the target idle, and tend to do so together.
 */
export function takeDueLogins(deps: AccountSessionsDeps, options: DueLoginsOptions): DueLogins {
  const { db, workerName: worker } = deps;
  const { jobId, lane, input, signal, onFailure } = options;
  const held = new Map<number, ChunkBook>();

  async function* give(): AsyncGenerator<DueLogin, void> {
    for (;;) {
      signal.throwIfAborted();
      const lease = await claimLoginChunk(db, { jobId, lane, worker, held: [...held.keys()] });
      if (lease === undefined) return;
      const accounts = await listDueAccounts(db, lease, input);
      const book = createChunkBook(deps, lease, { origin: input.origin, onFailure });
      held.set(lease.chunkIndex, book);
      let left = accounts.length;
      const conclude = async () => {
        await book.close();
        await concludeLoginChunk(db, lease);
        held.delete(lease.chunkIndex);
      };
      if (left === 0) await conclude();
      for (const account of accounts) {
        const settle = async (outcome: LoginOutcome) => {
          book.add(account.id, outcome);
          left -= 1;
          if (left === 0) await conclude();
        };
        yield { account, settle };
      }
    }
  }

  return {
    [Symbol.asyncIterator]: give,
    async close() {
      await Promise.allSettled([...held.values()].map(book => book.close()));
    },
  };
}
