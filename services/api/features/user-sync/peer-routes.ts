import {
  maxPeerUsersBytes,
  peerDeleteOperation,
  peerDigestsOperation,
  peerEntriesOperation,
  peerUsersOperation,
} from '../../../../shared/http/sync-peer.ts';
import type { Vault } from '../../../../shared/platform/crypto.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import {
  listEntries,
  poolTable,
  readBuckets,
  readHashProbe,
  readSubBuckets,
  type Scope,
} from '../../../../shared/store/accounts/account-digests.ts';
import { createPasswordKeeper } from '../../../../shared/store/accounts/account-passwords.ts';
import { markDeleted } from '../../../../shared/store/accounts/accounts.ts';
import {
  type PoolPage,
  pagesOfPool,
  usersOfPool,
} from '../../../../shared/store/user-sync/synced-accounts.ts';
import { withParsedAttributes } from '../../../../shared/store/users/user-attributes.ts';
import { tellDeed } from '../../deed.ts';
import { gzippedJson } from '../../gzip-json.ts';
import { requireActor } from '../../middleware/identify.ts';
import { ok, type Route, route } from '../../route.ts';

/** What another Muster asks of this one's pool while it syncs with it. */
export const peerRoutes = ({ vault }: { vault: Vault }): Route[] => [
  route(peerDigestsOperation, async ({ body, db, request }) => {
    const scope = scopeOf(body.scope);
    const buckets = body.within === undefined ? await readBuckets(db, poolTable, scope) : [];
    const smaller = body.within?.length ? await readSubBuckets(db, poolTable, scope, body.within) : [];
    return gzippedJson(request, {
      ...(await readHashProbe(db)),
      buckets: buckets.map(({ bucket, users, digest, unsettled }) => [bucket, users, digest, unsettled]),
      smaller: smaller.map(({ bucket, digests }) => [bucket, digests]),
    });
  }),

  route(peerEntriesOperation, async ({ body: { scope, choice }, db, request }) => {
    const chosen = 'sub_buckets' in choice ? { subBuckets: choice.sub_buckets } : choice;
    const entries = await listEntries(db, poolTable, scopeOf(scope), chosen);
    return gzippedJson(request, {
      entries: entries.map(({ username, digest, changedAt }) => [username, digest, changedAt]),
    });
  }),

  route(
    peerUsersOperation,
    async ({ body: { usernames, include_credentials }, db, request, actor, requestId }) => {
      if (include_credentials) requireActor(request, 'admin');
      const { given, rest, tooLong } = await divide(db, usernames);
      if (include_credentials) {
        const detail = { source_system: 'load_tester', users: given.length };
        await tellDeed({ db, actor, requestId }, 'credentials.export', undefined, detail);
      }
      const keeper = createPasswordKeeper(vault);
      const found = (await usersOfPool(db, given)).map(withParsedAttributes);
      const users = found.map(({ sealed_password, ...user }) =>
        include_credentials && sealed_password !== null
          ? { ...user, password: keeper.open(sealed_password) }
          : user,
      );
      return gzippedJson(request, { users, rest, too_long: tooLong });
    },
  ),

  route(peerDeleteOperation, async ({ body: { usernames }, db, actor, requestId }) => {
    const deleted = await markDeleted(db, { usernames });
    if (deleted > 0)
      await tellDeed({ db, actor, requestId }, 'users.delete', undefined, { deleted, by: 'sync' });
    return ok({ deleted });
  }),
];

/** Which users have room in the answer, which in another, and which in none. */
async function divide(db: Executor, usernames: readonly string[]) {
  const pages = await pagesOfPool(db, usernames, maxPeerUsersBytes);
  const fits = ({ bytes }: PoolPage) => bytes <= maxPeerUsersBytes;
  const namesOf = (some: PoolPage[]) => some.flatMap(page => page.usernames);
  const [first, ...others] = pages.filter(fits);
  return {
    given: first?.usernames ?? [],
    rest: namesOf(others),
    tooLong: namesOf(pages.filter(page => !fits(page))),
  };
}

const scopeOf = (scope: {
  batch_id?: string | undefined;
  test_users_only: boolean;
  modified_since?: string | undefined;
}): Scope => ({
  batchId: scope.batch_id,
  testUsersOnly: scope.test_users_only,
  modifiedSince: scope.modified_since,
});
