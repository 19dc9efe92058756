import type { SyncFault } from '../../../../../shared/contracts/user-sync.ts';
import {
  type PasswordHasher,
  passwordHashers,
} from '../../../../../shared/platform/passwords/password-formats.ts';
import type { Executor } from '../../../../../shared/platform/postgres/db.ts';
import {
  type DigestTable,
  listEntries,
  readBuckets,
  readHashProbe,
  readSubBuckets,
} from '../../../../../shared/store/accounts/account-digests.ts';
import { readFold } from '../../../../../shared/store/accounts/account-fold.ts';
import {
  deleteIncomingUsers,
  type IncomingUser,
  insertIncomingUsers,
  type SeenUser,
} from '../../../../../shared/store/user-sync/incoming-users.ts';
import { readUsersWithDigests } from '../../../../../shared/store/user-sync/synced-users.ts';
import type { UserReference } from '../../../../../shared/store/users/user-references.ts';
import type { UserTable } from '../../../../../shared/store/users/user-table.ts';
import { changedMeanwhile, inTheWay, notATestUser, wouldCascade } from './application-faults.ts';
import type { Side, SyncUser } from './sides.ts';
import { updateUsers } from './update-users.ts';
import { alone, withCare } from './with-care.ts';

/** The application's side, as far as it is compared. */
export const applicationSide = (db: Executor, table: DigestTable): Side => ({
  buckets: scope => readBuckets(db, table, scope),
  fold: scope => readFold(db, table, scope),
  subBuckets: (scope, buckets) => readSubBuckets(db, table, scope, buckets),
  entries: (scope, choice) => listEntries(db, table, scope, choice),
  probe: () => readHashProbe(db),
});

export interface ApplicationDeps {
  /** The application's database, to read. */
  applicationDb: Executor;
  /** The application's database for the role that may write to test users only. */
  testDataDb: Executor;
  users: UserTable;
  references: readonly UserReference[];
}

/** What a chunk wants to be true in the application. */
export interface ApplicationChanges {
  users: SyncUser[];
  /** Usernames. */
  deletions: string[];
  /** Digests by username: of those whom the application has, as it was looked at. */
  seen: ReadonlyMap<string, string>;
  /** By username, the digest that the user will have. */
  wanted: ReadonlyMap<string, string>;
}

export interface ApplicationOutcome {
  created: number;
  updated: number;
  /** Usernames of those who are as they should be now. */
  done: Set<string>;
  deleted: Set<string>;
  faults: SyncFault[];
}

/** Marks a user whose password nobody knows: no password has this hash. */
const noPassword = '!';

/**
 * Writes what the load tester has to the application: test users only, each fault for itself. Nothing of this is in one
 * transaction with the chunk's mark: whoever is no more as it was looked at, a worker that was frozen leaves alone.
 */
export async function changeApplication(
  deps: ApplicationDeps,
  changes: ApplicationChanges,
): Promise<ApplicationOutcome> {
  const { users, deletions, seen } = changes;
  const { testDataDb: db, users: table } = deps;
  const faults: SyncFault[] = [];
  const testUsers = users.filter(isTestUser);
  faults.push(...users.filter(user => !isTestUser(user)).map(notATestUser));
  const hasher = passwordHashers[table.mapping.password_format];
  const incoming = await Promise.all(testUsers.map(incomingUsers(seen, hasher)));
  const updated = await updateUsers(
    deps,
    incoming.filter(user => user.seen !== undefined),
    faults,
  );
  const created = await withCare(
    alone(incoming.filter(user => user.seen === undefined)),
    rows => db.transaction(tx => insertIncomingUsers(tx, table, rows)),
    faults,
  );
  const going = deletions.map(username => ({ username, digest: seen.get(username) ?? '' }));
  const deleted = await removeUsers(deps, going, faults);
  const outcome: ApplicationOutcome = {
    created: created.length,
    updated: updated.length,
    done: new Set([...updated, ...created]),
    deleted: new Set(deleted),
    faults,
  };
  await judgeUntouched(deps, changes, outcome);
  return outcome;
}

/** Where rows that the role may not delete would go along, nobody goes: that is known of all users without a try. */
async function removeUsers(
  { testDataDb, users, references }: ApplicationDeps,
  going: readonly SeenUser[],
  faults: SyncFault[],
): Promise<string[]> {
  const cascading = references.find(({ action }) => action === 'cascade');
  if (cascading !== undefined) {
    faults.push(...going.map(({ username }) => wouldCascade(username, cascading)));
    return [];
  }
  return withCare(
    alone(going),
    rows => testDataDb.transaction(tx => deleteIncomingUsers(tx, users, references, rows)),
    faults,
  );
}

/**
 * Of users that were not written: somebody may have done it meanwhile, such as the last statement of a worker that died,
 * which the server goes on with. Who stands in the way of it, or was changed, is a fault.
 */
async function judgeUntouched(
  { applicationDb, users: table }: ApplicationDeps,
  { users, deletions, wanted }: ApplicationChanges,
  { done, deleted, faults }: ApplicationOutcome,
): Promise<void> {
  const told = new Set(faults.map(({ username }) => username));
  const unwritten = users.filter(({ username }) => !done.has(username) && !told.has(username));
  const undeleted = deletions.filter(username => !deleted.has(username) && !told.has(username));
  const names = [...unwritten.map(({ username }) => username), ...undeleted];
  if (names.length === 0) return;
  const found = await readUsersWithDigests(applicationDb, table, names);
  const present = new Map(found.map(({ user, digest }) => [user.username, { ...user, digest }]));
  for (const { username, test_batch_id: batch } of unwritten) {
    const now = present.get(username);
    if (now !== undefined && now.digest === wanted.get(username)) done.add(username);
    else if (now?.is_test_user && now.test_batch_id === batch) faults.push(changedMeanwhile(username));
    else faults.push(inTheWay(username));
  }
  for (const username of undeleted) {
    const now = present.get(username);
    if (now === undefined) deleted.add(username);
    else faults.push(now.is_test_user ? changedMeanwhile(username) : inTheWay(username));
  }
}

const isTestUser = (user: SyncUser): user is SyncUser & { test_batch_id: string } =>
  user.is_test_user && user.test_batch_id !== null;

/** A password that many share is hashed once. */
function incomingUsers(seen: ReadonlyMap<string, string>, hasher: PasswordHasher) {
  const hashes = new Map<string, Promise<string>>();
  const hashOf = (password: string | undefined): Promise<string> => {
    if (password === undefined) return Promise.resolve(noPassword);
    const known = hashes.get(password) ?? hasher.hash(password);
    hashes.set(password, known);
    return known;
  };
  return async (user: SyncUser & { test_batch_id: string }): Promise<IncomingUser> => ({
    username: user.username,
    email: user.email,
    role: user.role,
    custom_attributes: user.custom_attributes,
    test_batch_id: user.test_batch_id,
    created_at: user.created_at,
    updated_at: user.updated_at,
    password_hash: await hashOf(user.password),
    seen: seen.get(user.username),
  });
}
