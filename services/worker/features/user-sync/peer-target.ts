import { z } from 'zod';
import type { SyncFault } from '../../../../shared/contracts/user-sync.ts';
import { importResult, maxImportedRowBytes } from '../../../../shared/http/accounts.ts';
import {
  maxPeerUsernames,
  peerDeleted,
  peerDigests,
  peerEntries,
  peerUsers,
} from '../../../../shared/http/sync-peer.ts';
import type { Executor } from '../../../../shared/platform/db.ts';
import {
  type Bucket,
  type Choice,
  type Entry,
  foldBuckets,
  type Scope,
} from '../../../../shared/store/account-digests.ts';
import {
  forgetBases,
  readBases,
  replaceBases,
  saveBases,
  summarizeBases,
} from '../../../../shared/store/sync-bases.ts';
import type { PeerClient } from './peer-client.ts';
import type { Side, SyncUser, Target, TargetOutcome, UserDigest } from './sides.ts';

export interface PeerTargetOptions {
  db: Executor;
  client: PeerClient;
  /** Under which the digests of the last sync are kept. */
  targetKey: string;
  testUsersOnly: boolean;
  withCredentials: boolean;
}

/**
 * The pool of another Muster. What is written there cannot be one transaction with the chunk's mark here; a chunk that
 * is done again finds the users as they should be, and writes nothing.
 */
export function peerTarget(options: PeerTargetOptions): Target {
  const { db, client, targetKey, testUsersOnly, withCredentials } = options;
  const baseScope = { targetKey, testUsersOnly };
  const askDigests = (question: object) => client.post('/api/users/sync/digests', question, peerDigests);

  async function write(users: readonly SyncUser[]): Promise<TargetOutcome> {
    const { lines, faults } = linesOf(withCredentials ? users : users.map(withoutPassword));
    if (lines.length === 0)
      return { created: 0, updated: 0, unchanged: 0, deleted: 0, failed: faults.length, faults };
    const result = await client.postLines('/api/users/import', lines, importResult);
    const { created, updated, unchanged, failed_count } = result;
    const refused = result.errors.map(({ kind, code, message, username }) => ({
      kind,
      code,
      message,
      ...(username !== undefined && { username }),
    }));
    const failed = faults.length + failed_count;
    return { created, updated, unchanged, deleted: 0, failed, faults: [...faults, ...refused] };
  }

  const buckets = async (scope: Scope) =>
    (await askDigests({ scope: wireScope(scope) })).buckets.map(bucketOf);

  return {
    buckets,
    fold: async scope => foldBuckets(await buckets(scope)),
    async subBuckets(scope, within) {
      const { smaller } = await askDigests({ scope: wireScope(scope), within });
      return smaller.map(([bucket, digests]) => ({ bucket, digests }));
    },
    async entries(scope, choice) {
      const found: Entry[] = [];
      for (const part of partsOf(choice)) {
        const question = { scope: wireScope(scope), choice: part };
        const { entries } = await client.post('/api/users/sync/entries', question, peerEntries);
        for (const [username, digest, changedAt] of entries) {
          found.push({ username, subBucket: 0, digest, base: null, changedAt });
        }
      }
      return found;
    },
    async probe() {
      return z.object({ probe: z.string(), now: z.number() }).parse(await askDigests({ within: [] }));
    },
    bases: usernames => readBases(db, targetKey, usernames),
    async users(usernames, { withPasswords }) {
      const found: SyncUser[] = [];
      for (const part of inParts(usernames)) {
        const question = { usernames: part, include_credentials: withCredentials && withPasswords };
        const { users } = await client.post('/api/users/sync/users', question, peerUsers);
        found.push(...users.map(syncUserOf));
      }
      return found;
    },
    async apply(changes, conclude) {
      const outcome = await write(changes.users);
      for (const usernames of inParts(changes.deletions)) {
        const { deleted } = await client.post('/api/users/sync/deletions', { usernames }, peerDeleted);
        outcome.deleted += deleted;
      }
      const written = knownToBeWritten(changes.written, outcome);
      await db.transaction(async tx => {
        await saveBases(tx, baseScope, [...written, ...changes.settled]);
        await forgetBases(tx, targetKey, changes.deletions);
        await conclude(tx, outcome);
      });
    },
    async settleAll(scope, application, proved) {
      if (scope.batchId !== undefined) return; // bases do not tell of batches: those of others would go
      const kept = await summarizeBases(db, baseScope);
      if (kept.users !== proved.users || kept.digest !== proved.digest)
        await replaceBases(db, baseScope, proved, allEntries(application, scope));
    },
    bytesMoved: () => client.bytesMoved(),
  };
}

/** All users of a side in pages, a sixteenth of them each. */
async function* allEntries(side: Side, scope: Scope): AsyncGenerator<Entry[]> {
  const step = 256;
  for (let first = 0; first < 4096; first += step) {
    yield side.entries(scope, { buckets: Array.from({ length: step }, (_, index) => first + index) });
  }
}

/** A peer lists its first faults only: when there are more, who was written is left to the next comparison. */
function knownToBeWritten(users: readonly UserDigest[], { failed, faults }: TargetOutcome): UserDigest[] {
  if (failed > faults.length) return [];
  const names = new Set(faults.map(({ username }) => username));
  return users.filter(({ username }) => !names.has(username.slice(0, 255))); // a fault tells no more of a name
}

const withoutPassword = ({ password: _password, ...user }: SyncUser): SyncUser => user;

/** Users as NDJSON. One that is longer than an import takes would end the import of all, and fails alone instead. */
function linesOf(users: readonly SyncUser[]): { lines: string[]; faults: SyncFault[] } {
  const lines: string[] = [];
  const faults: SyncFault[] = [];
  for (const user of users) {
    const line = JSON.stringify(user);
    if (Buffer.byteLength(line) <= maxImportedRowBytes) lines.push(line);
    else faults.push(tooLong(user));
  }
  return { lines, faults };
}

const tooLong = ({ username }: SyncUser): SyncFault => ({
  kind: 'format',
  code: 'payload_too_large',
  message: `the user is longer than the ${maxImportedRowBytes} bytes that an import takes`,
  username,
});

const bucketOf = ([bucket, users, digest, unsettled]: z.output<
  typeof peerDigests
>['buckets'][number]): Bucket => ({
  bucket,
  users,
  digest,
  unsettled,
});

const wireScope = ({ batchId, testUsersOnly, modifiedSince }: Scope) => ({
  ...(batchId !== undefined && { batch_id: batchId }),
  ...(modifiedSince !== undefined && { modified_since: modifiedSince }),
  test_users_only: testUsersOnly,
});

function* inParts(usernames: readonly string[]): Generator<readonly string[]> {
  for (let first = 0; first < usernames.length; first += maxPeerUsernames)
    yield usernames.slice(first, first + maxPeerUsernames);
}

function* partsOf(choice: Choice): Generator<object> {
  if ('buckets' in choice) yield choice;
  else if ('subBuckets' in choice) yield { sub_buckets: choice.subBuckets };
  else for (const usernames of inParts(choice.usernames)) yield { usernames };
}

const syncUserOf = (user: z.output<typeof peerUsers>['users'][number]): SyncUser => ({
  id: user.id ?? null,
  username: user.username,
  email: user.email,
  role: user.role,
  is_test_user: user.is_test_user,
  test_batch_id: user.test_batch_id ?? null,
  custom_attributes: user.custom_attributes,
  created_at: user.created_at ?? new Date(0).toISOString(),
  updated_at: user.updated_at ?? new Date(0).toISOString(),
  password: user.password ?? undefined,
});
