import { firstMs } from '../../../../shared/http/fields.ts';
import type { Choice, Entry, Scope } from '../../../../shared/store/accounts/account-digests.ts';
import {
  type Bucket,
  differingBuckets,
  differingSubBuckets,
  type Fold,
  foldBuckets,
} from '../../../../shared/store/accounts/bucket-comparison.ts';
import type { SyncSession } from './session.ts';
import { PeerError } from './sides/peer-error.ts';

/** Users in a bucket from which on looking into its 64 smaller ones pays. */
const worthNarrowing = 16;
/** Users of one list that is held in memory, on each side. */
const listSize = 200_000;

export interface Findings {
  applicationUsers: number;
  targetUsers: number;
  /** Users who are the same on both sides. */
  unchanged: number;
  /** Users whom only one side has, as far as could be seen. */
  onlyApplication: number;
  onlyTarget: number;
  /** The target's clock minus the application's. */
  clockSkewMs: number;
  targetFold: Fold;
  isSame: boolean;
  /** The target has none of the users, and gets them all: nobody was listed. */
  isFirst: boolean;
}

/**
 * Finds the users who are not the same on both sides, unless the target has nobody: digests of 4,096 buckets, then of the smaller ones in those that
 * differ, where that pays, then lists of users with their digests. Memory holds one list of each side.
 * @param onNames told of the names, some at a time
 */
export async function compareSides(
  session: SyncSession,
  onNames: (usernames: string[]) => Promise<void>,
): Promise<Findings> {
  const { application, target, comparedScope: scope } = session;
  const clockSkewMs = await probeBoth(session);
  const theirScope = byClockOfTarget(scope, clockSkewMs);
  const [ours, theirs] = await Promise.all([application.buckets(scope), target.buckets(theirScope)]);
  const onlyChanges = scope.modifiedSince !== undefined;
  const listsAll = onlyChanges || session.rules.full;
  const differing = listsAll
    ? [...new Set([...ours, ...theirs].map(({ bucket }) => bucket))]
    : differingBuckets(ours, theirs);
  const findings: Findings = {
    applicationUsers: foldBuckets(ours).users,
    targetUsers: foldBuckets(theirs).users,
    unchanged: foldBuckets(ours).users,
    onlyApplication: 0,
    onlyTarget: 0,
    clockSkewMs,
    targetFold: foldBuckets(theirs),
    isSame: differing.length === 0 && !listsAll,
    isFirst: isFirst(session, ours, theirs),
  };
  if (findings.isFirst) return { ...findings, unchanged: 0, onlyApplication: findings.applicationUsers };
  const looked = { differing, ours, theirs };
  const places = listsAll ? listsOfBuckets(looked) : await narrow(session, looked);
  for (const place of places) await listDifferences({ ...session, theirScope }, place, findings, onNames);
  return findings;
}

/** Whether all that is to be done is to copy users into the pool, which has none of them. */
function isFirst({ run, comparedScope }: SyncSession, ours: Bucket[], theirs: Bucket[]): boolean {
  const { target, direction, dryRun } = run;
  if (target.type !== 'load_tester' || direction !== 'push' || dryRun) return false;
  return comparedScope.modifiedSince === undefined && theirs.length === 0 && ours.length > 0;
}

/** Both must make the same of a known text; what their clocks differ by, give or take half the way to and fro. */
async function probeBoth({ application, target }: SyncSession): Promise<number> {
  const startedAt = performance.now();
  const theirs = await target.probe();
  const halfWay = (performance.now() - startedAt) / 2;
  const ours = await application.probe();
  if (ours.probe !== theirs.probe) {
    throw new PeerError(
      'format',
      'digests_differ',
      'The two databases make different digests of the same text',
    );
  }
  return Math.round(theirs.now + halfWay - ours.now);
}

/**
 * The moment from which changes are looked at, for a target whose clock is behind. One that is ahead has times later than
 * that anyway, and others that it was given.
 */
const byClockOfTarget = ({ modifiedSince, ...scope }: Scope, clockSkewMs: number): Scope =>
  modifiedSince === undefined || clockSkewMs >= 0
    ? { modifiedSince, ...scope }
    : { modifiedSince: earlier(modifiedSince, -clockSkewMs), ...scope };

const earlier = (moment: string, ms: number): string =>
  new Date(Math.max(Date.parse(moment) - ms, firstMs)).toISOString();

interface Looked {
  differing: number[];
  ours: Bucket[];
  theirs: Bucket[];
}

/** Which lists to make: of the smaller buckets that differ, or of whole buckets when there is little to gain. */
async function narrow(
  { application, target, comparedScope: scope }: SyncSession,
  looked: Looked,
): Promise<Choice[]> {
  const { differing, ours, theirs } = looked;
  const inside = new Set(differing);
  const usersInside = (side: Bucket[]) => foldBuckets(side.filter(({ bucket }) => inside.has(bucket))).users;
  const users = Math.min(usersInside(ours), usersInside(theirs));
  if (users <= worthNarrowing * differing.length) return listsOfBuckets(looked);
  const [oursWithin, theirsWithin] = await Promise.all([
    application.subBuckets(scope, differing),
    target.subBuckets(scope, differing),
  ]);
  const subBuckets = differingSubBuckets(oursWithin, theirsWithin);
  const usersOfEach = usersInside(ours) / (differing.length * 64);
  return inLists(subBuckets, () => usersOfEach).map(numbers => ({ subBuckets: numbers }));
}

function listsOfBuckets({ differing, ours, theirs }: Looked): Choice[] {
  const users = new Map(ours.map(({ bucket, users }) => [bucket, users]));
  for (const bucket of theirs)
    users.set(bucket.bucket, Math.max(users.get(bucket.bucket) ?? 0, bucket.users));
  return inLists(differing, bucket => users.get(bucket) ?? 0).map(buckets => ({ buckets }));
}

/** Divides buckets into lists of bearable length. */
function inLists(buckets: readonly number[], usersOf: (bucket: number) => number): number[][] {
  const lists: number[][] = [];
  let room = 0;
  for (const bucket of buckets) {
    const needed = usersOf(bucket);
    if (lists.length === 0 || room < needed) {
      lists.push([]);
      room = listSize;
    }
    lists.at(-1)?.push(bucket);
    room -= needed;
  }
  return lists;
}

async function listDifferences(
  { application, target, comparedScope, theirScope, rules }: SyncSession & { theirScope: Scope },
  place: Choice,
  findings: Findings,
  onNames: (usernames: string[]) => Promise<void>,
): Promise<void> {
  const [ours, theirs] = await Promise.all([
    application.entries(comparedScope, place),
    findings.targetUsers === 0 ? [] : target.entries(theirScope, place),
  ]);
  const open = new Map(ours.map(entry => [entry.username, entry]));
  findings.unchanged -= ours.length;
  const names: string[] = [];
  for (const { username, digest } of theirs) {
    const own: Entry | undefined = open.get(username);
    open.delete(username);
    if (own === undefined) findings.onlyTarget += 1;
    if (own?.digest === digest && !rules.full) findings.unchanged += 1;
    else names.push(username);
  }
  findings.onlyApplication += open.size;
  for (const username of open.keys()) names.push(username);
  await onNames(names);
}
