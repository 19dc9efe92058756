import type { SyncFault } from '../../../../../shared/contracts/user-sync.ts';
import { AppError } from '../../../../../shared/kernel/errors.ts';
import type { Entry } from '../../../../../shared/store/accounts/account-digests.ts';
import {
  concludeSyncChunk,
  type SyncChunkLease,
  type SyncCounts,
} from '../../../../../shared/store/user-sync/sync-chunks.ts';
import {
  readApplicationUsers,
  readUsersWithDigests,
} from '../../../../../shared/store/user-sync/synced-users.ts';
import type { UserSyncDeps } from '../deps.ts';
import { withPasswords } from '../passwords.ts';
import type { SyncSession } from '../session.ts';
import { addressCodes } from '../sides/application-faults.ts';
import type { Conflict, SyncUser, UserDigest } from '../sides/sides.ts';
import { describeConflicts } from './conflicts.ts';
import { type Decision, decide, type SideName } from './decide.ts';
import { takeOver } from './take-over.ts';

/** How many faults a chunk keeps beside those of users who get another try; it counts all of them. */
const keptFaults = 100;

function keptOf(faults: readonly SyncFault[]): SyncFault[] {
  const isTriedAgain = ({ code }: SyncFault) => addressCodes.includes(code);
  return [
    ...faults.filter(isTriedAgain),
    ...faults.filter(fault => !isTriedAgain(fault)).slice(0, keptFaults),
  ];
}

/**
 * One chunk: looks at its users on both sides again, decides about each, and does it. Whatever became of them since
 * they were written down, or was done by a worker that died, is seen in the digests.
 * @throws AppError `lease_lost` when another lane has the chunk
 */
export async function syncChunk(
  deps: UserSyncDeps,
  session: SyncSession,
  lease: SyncChunkLease,
  mode: 'plan' | 'apply',
): Promise<void> {
  const bytesBefore = session.target.bytesMoved();
  const { states, known } = await readStates(deps, session, lease.usernames);
  const work = sortOut(states, session);
  const conflicts = await describeConflicts(deps, session, work.conflicts);
  const conclude = async (tx: UserSyncDeps['db'], counts: Omit<SyncCounts, 'bytes' | 'conflicts'>) => {
    const faults = keptOf([...counts.faults, ...conflicts]);
    const bytes = session.target.bytesMoved() - bytesBefore;
    const all = { ...counts, faults, bytes, conflicts: work.conflicts.length };
    if (!(await concludeSyncChunk(tx, lease, all))) throw new AppError('lease_lost');
  };
  if (mode === 'plan') return conclude(deps.db, plannedCounts(work, states));
  await applyWork(deps, session, { states, known }, work, conclude);
}

interface UserState {
  application: Entry | undefined;
  target: Entry | undefined;
  base: string | null;
}
type States = Map<string, UserState>;

interface Read {
  states: States;
  /** The application's users, where they were read whole in the same look. */
  known: Map<string, SyncUser> | undefined;
}

/** A target's account that has left the filter is not deleted: it was changed. */
const everybody = { testUsersOnly: false };

async function readStates(deps: UserSyncDeps, session: SyncSession, usernames: string[]): Promise<Read> {
  const { target } = session;
  const [theirs, bases] = await Promise.all([
    target.entries(everybody, { usernames }),
    target.bases(usernames),
  ]);
  const willTravel = session.rules.direction === 'push' || (theirs.length === 0 && (bases?.size ?? 0) === 0);
  const { ours, known } = await readOurs(deps, session, usernames, willTravel);
  const oursByName = new Map(ours.map(entry => [entry.username, entry]));
  const theirsByName = new Map(theirs.map(entry => [entry.username, entry]));
  const states = new Map(
    usernames.map(username => {
      const their = theirsByName.get(username);
      const base = (bases === undefined ? their?.base : bases.get(username)) ?? null;
      return [username, { application: oursByName.get(username), target: their, base }];
    }),
  );
  return { states, known };
}

/** Users of a push, and those whom the target never had, will travel as a rule: they are read whole at once. */
async function readOurs(
  { applicationDb, users: table }: UserSyncDeps,
  { application, scope }: SyncSession,
  usernames: string[],
  whole: boolean,
): Promise<{ ours: Entry[]; known: Read['known'] }> {
  if (!whole) return { ours: await application.entries(scope, { usernames }), known: undefined };
  const { batchId, testUsersOnly } = scope;
  const found = (await readUsersWithDigests(applicationDb, table, usernames)).filter(
    ({ user }) =>
      (batchId === undefined || user.test_batch_id === batchId) && (!testUsersOnly || user.is_test_user),
  );
  const ours = found.map(({ user, digest }) => ({
    username: user.username,
    subBucket: 0,
    digest,
    base: null,
    changedAt: Date.parse(user.updated_at),
  }));
  return { ours, known: new Map(found.map(({ user }) => [user.username, user])) };
}

/** Usernames by what is to be done about them. */
interface Work {
  settled: UserDigest[];
  /** Users who are the same on both sides and sent all the same, in a full sync: digests do not cover passwords. */
  resend: string[];
  write: Record<SideName, string[]>;
  delete: Record<SideName, string[]>;
  conflicts: Conflict[];
}

function sortOut(states: States, { rules, run }: SyncSession): Work {
  const work: Work = {
    settled: [],
    resend: [],
    write: { application: [], load_tester: [] },
    delete: { application: [], load_tester: [] },
    conflicts: [],
  };
  const sendsAll = rules.full && rules.direction !== 'pull';
  for (const [username, state] of states) {
    const decision = decide(threeStates(state, run.clockSkewMs), rules);
    const digest = state.application?.digest ?? null;
    if (decision.do === 'settle' && digest !== null && sendsAll) work.resend.push(username);
    else if (decision.do === 'settle') work.settled.push({ username, digest });
    else if (decision.do !== 'leave') work[decision.do][decision.at].push(username);
    if (decision.do !== 'settle' && decision.conflict)
      work.conflicts.push({ username, winner: winnerOf(decision) });
  }
  return work;
}

const winnerOf = (decision: Decision): SideName | undefined => {
  if (decision.do !== 'write' && decision.do !== 'delete') return undefined;
  return decision.at === 'application' ? 'load_tester' : 'application';
};

/** The target's times are put on the application's clock. */
const threeStates = ({ application, target, base }: UserState, skewMs: number) => ({
  application: { digest: application?.digest ?? null, changedAt: application?.changedAt },
  target: {
    digest: target?.digest ?? null,
    changedAt: target === undefined ? undefined : target.changedAt - skewMs,
  },
  base,
});

function plannedCounts(work: Work, states: States): Omit<SyncCounts, 'bytes' | 'conflicts'> {
  const isNew = (side: 'application' | 'target') => (username: string) =>
    (states.get(username)?.[side]?.digest ?? null) === null;
  const newHere = work.write.application.filter(isNew('application')).length;
  const newThere = work.write.load_tester.filter(isNew('target')).length;
  return {
    created: newHere + newThere,
    updated: work.write.application.length + work.write.load_tester.length - newHere - newThere,
    deletedInApplication: work.delete.application.length,
    deletedInTarget: work.delete.load_tester.length,
    unchanged: work.resend.length + countLive(work.settled),
    failed: 0,
    faults: [],
  };
}

const countLive = (users: readonly UserDigest[]): number =>
  users.filter(({ digest }) => digest !== null).length;

type Conclude = (tx: UserSyncDeps['db'], counts: Omit<SyncCounts, 'bytes' | 'conflicts'>) => Promise<void>;

async function applyWork(
  deps: UserSyncDeps,
  session: SyncSession,
  { states, known }: Read,
  work: Work,
  conclude: Conclude,
): Promise<void> {
  const pulled = await takeOver(session, {
    users: work.write.application,
    deletions: work.delete.application,
    seen: digestsOf(states, 'application'),
    wanted: digestsOf(states, 'target'),
  });
  const sent = [...work.write.load_tester, ...work.resend];
  const users = await usersToSend(deps, session, sent, known);
  const digestOf = (username: string, side: 'application' | 'target') =>
    states.get(username)?.[side]?.digest ?? null;
  const changes = {
    users,
    existing: new Set(sent.filter(name => states.get(name)?.target !== undefined)),
    written: users.map(({ username }) => ({ username, digest: digestOf(username, 'application') })),
    deletions: work.delete.load_tester,
    settled: [
      ...work.settled,
      ...[...pulled.done].map(username => ({ username, digest: digestOf(username, 'target') })),
      ...[...pulled.deleted].map(username => ({ username, digest: null })),
    ],
  };
  await session.target.apply(changes, (tx, outcome) =>
    conclude(tx, {
      created: pulled.created + outcome.created,
      updated: pulled.updated + outcome.updated,
      deletedInApplication: pulled.deleted.size,
      deletedInTarget: outcome.deleted,
      unchanged: outcome.unchanged + countLive(work.settled),
      failed: pulled.faults.length + outcome.failed,
      faults: [...pulled.faults, ...outcome.faults] satisfies SyncFault[],
    }),
  );
}

function digestsOf(states: States, side: 'application' | 'target'): Map<string, string> {
  const digests = new Map<string, string>();
  for (const [username, { [side]: entry }] of states)
    if (typeof entry?.digest === 'string') digests.set(username, entry.digest);
  return digests;
}

/** Users as the application has them now. */
async function usersToSend(
  deps: UserSyncDeps,
  { run }: SyncSession,
  usernames: string[],
  known: Read['known'],
): Promise<SyncUser[]> {
  if (usernames.length === 0) return [];
  const users: SyncUser[] =
    known === undefined
      ? await readApplicationUsers(deps.applicationDb, deps.users, usernames)
      : usernames.flatMap(username => known.get(username) ?? []);
  return withPasswords(deps, run, users);
}
