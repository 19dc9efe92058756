import type { SyncSession } from '../session.ts';
import {
  type ApplicationChanges,
  type ApplicationOutcome,
  changeApplication,
} from '../sides/application-side.ts';
import type { SyncUser } from '../sides/sides.ts';

/** What the application is to take over from the load tester, by name. */
export interface TakeOver extends Pick<ApplicationChanges, 'deletions' | 'seen' | 'wanted'> {
  users: string[];
}

/**
 * Writes the load tester's users to the application, a page at a time. Those who go come first, then those whom the
 * application has: another one may have the address that they give up, such as who was renamed.
 */
export async function takeOver(
  { target, applicationDeps }: Pick<SyncSession, 'target' | 'applicationDeps'>,
  { users: usernames, deletions, seen, wanted }: TakeOver,
): Promise<ApplicationOutcome> {
  const outcome: ApplicationOutcome = {
    created: 0,
    updated: 0,
    done: new Set(),
    deleted: new Set(),
    faults: [],
  };
  const change = async (users: SyncUser[], gone: string[]) =>
    addTo(outcome, await changeApplication(applicationDeps, { users, deletions: gone, seen, wanted }));
  const take = async (names: string[], withPasswords: boolean) => {
    if (names.length === 0) return;
    for await (const { users, faults } of target.users(names, { withPasswords })) {
      outcome.faults.push(...faults);
      await change(users, []);
    }
  };
  const isThere = (username: string) => seen.has(username);
  await change([], deletions);
  await take(usernames.filter(isThere), false);
  // A password is of use only to a user who is to be created: who asks a peer for one needs an admin's key there.
  await take(
    usernames.filter(username => !isThere(username)),
    true,
  );
  return outcome;
}

function addTo(sum: ApplicationOutcome, more: ApplicationOutcome): void {
  sum.created += more.created;
  sum.updated += more.updated;
  for (const username of more.done) sum.done.add(username);
  for (const username of more.deleted) sum.deleted.add(username);
  sum.faults.push(...more.faults);
}
