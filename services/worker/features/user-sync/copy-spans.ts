import { AppError } from '../../../../shared/kernel/errors.ts';
import { withCopyConnection } from '../../../../shared/platform/postgres/copy-connection.ts';
import { sqlStateOf } from '../../../../shared/platform/postgres/sql-state.ts';
import {
  type AccountCopy,
  copyUsersToPool,
  prepareCopy,
} from '../../../../shared/store/user-sync/account-copy.ts';
import { concludeCopiedChunk, type SyncChunkLease } from '../../../../shared/store/user-sync/sync-chunks.ts';
import { namesInSpan } from '../../../../shared/store/user-sync/user-spans.ts';
import type { UserSyncDeps } from './deps.ts';
import type { SyncSession } from './session.ts';

/** Claims the next chunk; undefined when none is left. */
export type Claim = () => Promise<SyncChunkLease | undefined>;

/**
 * A lane of a first sync: takes span after span and streams its users from the application into the pool, over two
 * connections of its own. What a span writes and its `done` mark are one transaction.
 * @returns a span of which the pool has somebody, if only a tombstone, or cannot hold somebody, with the names in it: to be
 * decided user by user
 * @throws AppError `lease_lost` when another lane has the chunk
 */
export function copySpans(
  deps: UserSyncDeps,
  session: SyncSession,
  claim: Claim,
  { lane, signal }: { lane: number; signal: AbortSignal },
): Promise<SyncChunkLease | undefined> {
  const name = `muster sync ${session.run.id}-${lane}`; // the target's tells one lane from another
  return withCopyConnection(deps.applicationUrl, { name: 'muster sync', signal }, source =>
    withCopyConnection(deps.platformUrl, { name, signal }, async target => {
      const copy = { ...deps, source, target };
      await prepareCopy(copy);
      for (;;) {
        const lease = await claim();
        if (lease === undefined) return undefined;
        if (await copySpan(copy, session, lease)) continue;
        const usernames = await namesInSpan(deps.applicationDb, deps.users, session.scope, lease);
        return { ...lease, usernames };
      }
    }),
  );
}

/** False when the pool has one of the names, or cannot hold one of the users. */
async function copySpan(copy: AccountCopy, { scope }: SyncSession, lease: SyncChunkLease): Promise<boolean> {
  try {
    await copy.target.transaction('begin', async () => {
      const copied = await copyUsersToPool(copy, scope, lease);
      if (!(await concludeCopiedChunk(copy.target, lease, copied))) throw new AppError('lease_lost');
    });
    return true;
  } catch (error) {
    if (refusalsOfAUser.has(sqlStateOf(error) ?? '')) return false;
    throw error;
  }
}

/** A name that is taken, and a text that is none of its column's type. */
const refusalsOfAUser: ReadonlySet<string> = new Set(['23505', '22P02']);
