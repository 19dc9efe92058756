import type { SyncFault } from '../../../../../shared/contracts/user-sync.ts';
import type { SyncRunRow } from '../../../../../shared/store/user-sync/sync-runs.ts';
import { readApplicationUsers } from '../../../../../shared/store/user-sync/synced-users.ts';
import { withParsedAttributes } from '../../../../../shared/store/users/user-attributes.ts';
import { differingFields } from '../../../../../shared/store/users/user-differences.ts';
import type { UserSyncDeps } from '../deps.ts';
import type { SyncSession } from '../session.ts';
import type { Conflict, SyncUser, Target } from '../sides/sides.ts';

/** How many conflicts of a chunk are told with the fields in which the two sides differed. */
const maxDescribed = 100;

/** Says of each user whom both sides had changed in what they differed, and whose state held. */
export async function describeConflicts(
  { applicationDb, users: table }: UserSyncDeps,
  { run, target }: SyncSession,
  conflicts: readonly Conflict[],
): Promise<SyncFault[]> {
  const described = conflicts.slice(0, maxDescribed);
  if (described.length === 0) return [];
  const names = described.map(({ username }) => username);
  const [ours, theirs] = await Promise.all([
    readApplicationUsers(applicationDb, table, names),
    readTheirs(target, names),
  ]);
  const oursByName = new Map(ours.map(user => [user.username, user]));
  return described.map(({ username, winner }) => {
    const [own, their] = [oursByName.get(username), theirs.users.get(username)];
    const isDeletion = own === undefined || (their === undefined && !theirs.unreadable.has(username));
    const what = isDeletion
      ? 'was deleted on one side and changed on the other'
      : 'was changed on both sides';
    const end =
      winner === undefined
        ? 'left as it is'
        : `the ${winner === 'application' ? 'application' : 'load tester'}'s state holds`;
    return {
      kind: 'conflict',
      code: isDeletion ? 'deleted_and_changed' : 'changed_on_both',
      message: `${username} ${what}: ${end}`,
      username,
      ...(winner !== undefined && { resolution: winner }),
      fields: differing(run.target, own, their),
    };
  });
}

/** The built-in pool has attributes as the application writes them; a peer tells them as JSON in a form of its own. */
const differing = ({ type }: SyncRunRow['target'], ...sides: (SyncUser | undefined)[]): string[] => {
  const [own, their] = type === 'load_tester' ? sides : sides.map(user => user && withParsedAttributes(user));
  return differingFields(own, their);
};

/** By name; those who are there, but cannot be taken, by name only. */
async function readTheirs(target: Target, names: readonly string[]) {
  const users = new Map<string, SyncUser>();
  const unreadable = new Set<string | undefined>();
  for await (const page of target.users(names, { withPasswords: false })) {
    for (const user of page.users) users.set(user.username, user);
    for (const fault of page.faults) unreadable.add(fault.username);
  }
  return { users, unreadable };
}
