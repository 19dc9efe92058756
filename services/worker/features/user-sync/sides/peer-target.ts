import { z } from 'zod';
import type { SyncFault } from '../../../../../shared/contracts/user-sync.ts';
import { importResult, maxImportedRowBytes } from '../../../../../shared/http/accounts.ts';
import { peerDeleted, peerDigests, peerEntries } from '../../../../../shared/http/sync-peer.ts';
import { portions } from '../../../../../shared/kernel/portions.ts';
import type { Executor } from '../../../../../shared/platform/postgres/db.ts';
import type { Choice, Entry, Scope } from '../../../../../shared/store/accounts/account-digests.ts';
import { type Bucket, foldBuckets } from '../../../../../shared/store/accounts/bucket-comparison.ts';
import {
  forgetBases,
  readBases,
  replaceBases,
  saveBases,
  summarizeBases,
} from '../../../../../shared/store/user-sync/sync-bases.ts';
import { withParsedAttributes } from '../../../../../shared/store/users/user-attributes.ts';
import { divideHeld } from './held-users.ts';
import type { PeerClient } from './peer-client.ts';
import { inQuestions, readPeerUsers } from './peer-users.ts';
import type { Side, SyncUser, Target, TargetOutcome, UserDigest } from './sides.ts';

export interface PeerTargetOptions {
  db: Executor;
  client: PeerClient;
  /** Names the target in `sync_bases`, where the digests of the last sync are kept. */
  targetKey: string;
  testUsersOnly: boolean;
  withCredentials: boolean;
}

/** What is read of an import's answer: a peer of another version may say less, or more. */
const importAsRead = importResult.pick({
  created: true,
  updated: true,
  unchanged: true,
  failed_count: true,
  errors: true,
});

/** The most bytes of users in one import, which must end within the time limit of a request. */
const importBytes = 8 * 1024 * 1024;

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
    const outcome = { created: 0, updated: 0, unchanged: 0, deleted: 0, failed: faults.length, faults };
    for (const some of portions(lines, Buffer.byteLength, { maxBytes: importBytes })) {
      const result = await client.postLines('/api/users/import', some, importAsRead);
      outcome.created += result.created;
      outcome.updated += result.updated;
      outcome.unchanged += result.unchanged;
      outcome.failed += result.failed_count;
      faults.push(...result.errors.map(refusalOf));
    }
    return outcome;
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
    users: (usernames, { withPasswords }) =>
      readPeerUsers(client, usernames, { include_credentials: withCredentials && withPasswords }),
    async apply(changes, conclude) {
      const outcome = await write(changes.users);
      for (const usernames of inQuestions(changes.deletions)) {
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

/**
 * Users as NDJSON. One whom no pool can hold fails alone; so does one that is longer than an import takes, which would end
 * the import of all.
 */
function linesOf(users: readonly SyncUser[]): { lines: string[]; faults: SyncFault[] } {
  const lines: string[] = [];
  const { held, faults } = divideHeld(users);
  for (const user of held) {
    const line = JSON.stringify(withParsedAttributes(user));
    if (Buffer.byteLength(line) <= maxImportedRowBytes) lines.push(line);
    else faults.push(tooLong(user));
  }
  return { lines, faults };
}

const refusalOf = ({
  kind,
  code,
  message,
  username,
}: z.output<typeof importAsRead>['errors'][number]): SyncFault => ({
  kind,
  code,
  message,
  ...(username !== undefined && { username }),
});

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

function* partsOf(choice: Choice): Generator<object> {
  if ('buckets' in choice) yield choice;
  else if ('subBuckets' in choice) yield { sub_buckets: choice.subBuckets };
  else for (const usernames of inQuestions(choice.usernames)) yield { usernames };
}
