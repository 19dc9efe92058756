import {
  type Bucket,
  type Choice,
  differingBuckets,
  type Entry,
  foldBuckets,
} from '../../../../shared/store/account-digests.ts';
import { PeerError } from './peer-error.ts';
import type { SyncSession } from './session.ts';

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
  targetBuckets: Bucket[];
  isSame: boolean;
}

/**
 * Finds the users who are not the same on both sides: digests of 4,096 buckets, then of the smaller ones in those that
 * differ, where that pays, then lists of users with their digests. Memory holds one list of each side.
 * @param onNames told of the names, some at a time
 */
export async function compareSides(
  session: SyncSession,
  onNames: (usernames: string[]) => Promise<void>,
): Promise<Findings> {
  const { application, target, comparedScope: scope } = session;
  const clockSkewMs = await probeBoth(session);
  const [ours, theirs] = await Promise.all([application.buckets(scope), target.buckets(scope)]);
  const onlyChanges = scope.modifiedSince !== undefined;
  const differing = onlyChanges
    ? [...new Set([...ours, ...theirs].map(({ bucket }) => bucket))]
    : differingBuckets(ours, theirs);
  const findings: Findings = {
    applicationUsers: foldBuckets(ours).users,
    targetUsers: foldBuckets(theirs).users,
    unchanged: usersOutside(ours, differing),
    onlyApplication: 0,
    onlyTarget: 0,
    clockSkewMs,
    targetBuckets: theirs,
    isSame: differing.length === 0 && !onlyChanges,
  };
  if (differing.length === 0) return findings;
  const places = onlyChanges
    ? placesOf(differing, ours, theirs, buckets => ({ buckets }))
    : await narrow(session, differing, ours, theirs, findings);
  for (const place of places) await listDifferences(session, place, findings, onNames);
  return findings;
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

const usersOutside = (buckets: readonly Bucket[], numbers: readonly number[]): number => {
  const excluded = new Set(numbers);
  return foldBuckets(buckets.filter(({ bucket }) => !excluded.has(bucket))).users;
};

/** Which lists to make: of the smaller buckets that differ, or of whole buckets when there is little to gain. */
async function narrow(
  { application, target, comparedScope }: SyncSession,
  differing: number[],
  ours: Bucket[],
  theirs: Bucket[],
  findings: Findings,
): Promise<Choice[]> {
  const inside = new Set(differing);
  const usersInside = (side: Bucket[]) => foldBuckets(side.filter(({ bucket }) => inside.has(bucket))).users;
  const [users, theirUsers] = [usersInside(ours), usersInside(theirs)];
  const paysOff = Math.min(users, theirUsers) > worthNarrowing * differing.length;
  if (!paysOff) return placesOf(differing, ours, theirs, buckets => ({ buckets }));
  const [oursWithin, theirsWithin] = await Promise.all([
    application.subBuckets(comparedScope, differing),
    target.subBuckets(comparedScope, differing),
  ]);
  const subBuckets = differingBuckets(oursWithin, theirsWithin);
  findings.unchanged += usersOutside(oursWithin, subBuckets);
  return placesOf(subBuckets, oursWithin, theirsWithin, numbers => ({ subBuckets: numbers }));
}

/** Divides buckets into lists of bearable length. */
function placesOf(
  numbers: readonly number[],
  ours: readonly Bucket[],
  theirs: readonly Bucket[],
  choose: (numbers: number[]) => Choice,
): Choice[] {
  const users = new Map(ours.map(({ bucket, users }) => [bucket, users]));
  for (const bucket of theirs)
    users.set(bucket.bucket, Math.max(users.get(bucket.bucket) ?? 0, bucket.users));
  const places: number[][] = [];
  let room = 0;
  for (const number of numbers) {
    const needed = users.get(number) ?? 0;
    if (places.length === 0 || room < needed) {
      places.push([]);
      room = listSize;
    }
    places.at(-1)?.push(number);
    room -= needed;
  }
  return places.map(choose);
}

async function listDifferences(
  { application, target, comparedScope }: SyncSession,
  place: Choice,
  findings: Findings,
  onNames: (usernames: string[]) => Promise<void>,
): Promise<void> {
  const [ours, theirs] = await Promise.all([
    application.entries(comparedScope, place),
    findings.targetUsers === 0 ? [] : target.entries(comparedScope, place),
  ]);
  const open = new Map(ours.map(entry => [entry.username, entry]));
  const names: string[] = [];
  for (const { username, digest } of theirs) {
    const own: Entry | undefined = open.get(username);
    open.delete(username);
    if (own === undefined) findings.onlyTarget += 1;
    if (own?.digest === digest) findings.unchanged += 1;
    else names.push(username);
  }
  findings.onlyApplication += open.size;
  for (const username of open.keys()) names.push(username);
  await onNames(names);
}
