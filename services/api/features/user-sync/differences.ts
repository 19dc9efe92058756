import {
  type Entry,
  listEntries,
  poolTable,
  readBuckets,
  readSubBuckets,
  type Scope,
} from '../../../../shared/store/accounts/account-digests.ts';
import {
  differingBuckets,
  differingSubBuckets,
} from '../../../../shared/store/accounts/bucket-comparison.ts';
import { usersOfPool } from '../../../../shared/store/user-sync/synced-accounts.ts';
import { readApplicationUsers } from '../../../../shared/store/user-sync/synced-users.ts';
import { withParsedAttributes } from '../../../../shared/store/users/user-attributes.ts';
import { differingFields } from '../../../../shared/store/users/user-differences.ts';
import type { UserTable } from '../../../../shared/store/users/user-table.ts';
import type { BothSides } from './status.ts';

/** A user in the order of the list: by the small bucket, then by name. */
export interface Position {
  bucket: number;
  username: string;
}

interface Difference extends Position {
  difference: 'only_application' | 'only_load_tester' | 'changed';
}

/**
 * The users after `after` who are not the same on both sides, `limit` of them at most. Each look at small buckets reads both
 * tables from end to end, so it takes as many as are sure to do: whoever differs is in one of his own, or shares it. Of a
 * million users four are in a small bucket, so memory does not depend on how many differ.
 */
export async function listDifferences(
  sides: BothSides,
  scope: Scope,
  { after, limit }: { after: Position | undefined; limit: number },
): Promise<Difference[]> {
  const buckets = (await findDifferingBuckets(sides, scope)).filter(bucket => bucket >= (after?.bucket ?? 0));
  const found: Difference[] = [];
  for (let first = 0; first < buckets.length && found.length < limit; first += limit) {
    const some = buckets.slice(first, first + limit);
    found.push(...(await differencesIn(sides, scope, some)).filter(item => isAfter(item, after)));
  }
  return found.slice(0, limit);
}

const isAfter = (item: Position, after: Position | undefined): boolean =>
  after === undefined ||
  item.bucket > after.bucket ||
  (item.bucket === after.bucket && item.username > after.username);

async function findDifferingBuckets(
  { db, applicationDb, applicationTable }: BothSides,
  scope: Scope,
): Promise<number[]> {
  const [ours, theirs] = await Promise.all([
    readBuckets(applicationDb, applicationTable, scope),
    readBuckets(db, poolTable, scope),
  ]);
  const differing = differingBuckets(ours, theirs);
  if (differing.length === 0) return [];
  const [oursWithin, theirsWithin] = await Promise.all([
    readSubBuckets(applicationDb, applicationTable, scope, differing),
    readSubBuckets(db, poolTable, scope, differing),
  ]);
  return differingSubBuckets(oursWithin, theirsWithin);
}

async function differencesIn(
  { db, applicationDb, applicationTable }: BothSides,
  scope: Scope,
  subBuckets: number[],
): Promise<Difference[]> {
  const [ours, theirs] = await Promise.all([
    listEntries(applicationDb, applicationTable, scope, { subBuckets }),
    listEntries(db, poolTable, scope, { subBuckets }),
  ]);
  const left = new Map<string, Entry>(ours.map(entry => [entry.username, entry]));
  const found: Difference[] = [];
  for (const { username, digest, subBucket: bucket } of theirs) {
    const own = left.get(username);
    left.delete(username);
    if (own?.digest === digest) continue;
    found.push({ username, bucket, difference: own === undefined ? 'only_load_tester' : 'changed' });
  }
  for (const { username, subBucket: bucket } of left.values())
    found.push({ username, bucket, difference: 'only_application' });
  return found.toSorted((a, b) => a.bucket - b.bucket || (a.username < b.username ? -1 : 1));
}

/** The same with the users themselves, without secrets, and the fields in which they differ. */
export async function describeDifferences(
  { db, applicationDb }: BothSides,
  table: UserTable,
  differences: readonly Difference[],
) {
  const names = differences.map(({ username }) => username);
  const ours = new Map(
    (await readApplicationUsers(applicationDb, table, names)).map(user => [user.username, user]),
  );
  const theirs = new Map((await usersOfPool(db, names)).map(user => [user.username, user]));
  return differences.map(({ username, difference }) => {
    const [own, their] = [ours.get(username), theirs.get(username)];
    return {
      username,
      difference,
      fields: differingFields(own, their),
      application: own === undefined ? null : withParsedAttributes(own),
      load_tester: their === undefined ? null : withParsedAttributes(withoutSecret(their)),
    };
  });
}

const withoutSecret = ({
  sealed_password: _secret,
  ...user
}: Awaited<ReturnType<typeof usersOfPool>>[number]) => user;
