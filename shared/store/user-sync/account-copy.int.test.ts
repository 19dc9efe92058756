import { testDatabases } from '../../../test/fixtures/database.ts';
import { testVault } from '../../../test/fixtures/vault.ts';
import { newId } from '../../kernel/ids.ts';
import { type CopyConnection, withCopyConnection } from '../../platform/postgres/copy-connection.ts';
import { sqlStateOf } from '../../platform/postgres/sql-state.ts';
import { poolTable, readBuckets } from '../accounts/account-digests.ts';
import { differingBuckets } from '../accounts/bucket-comparison.ts';
import { storefrontUsers } from '../users/user-table.ts';
import { copyUsersToPool, prepareCopy } from './account-copy.ts';
import { digestTableOf } from './synced-users.ts';
import { namesInSpan, readKeySpans } from './user-spans.ts';

const databases = testDatabases();
const batchId = newId();
const scope = { testUsersOnly: true };
const all = { firstKey: null, nextKey: null };
const signal = AbortSignal.timeout(60_000);
const applicationDb = () => databases.application.db;

async function addUsers(usernames: string[], batch = batchId): Promise<void> {
  await databases.application.sql`
    insert into users (username, email, role, password_hash, custom_attributes, is_test_user, test_batch_id, created_by_bulk)
    select name, md5(name) || '@example.com', name, '!', jsonb_build_object(name, name), true, ${batch}::uuid, true
    from unnest(${usernames}::text[]) name`;
}

function withCopy<T>(
  work: (copy: Parameters<typeof copyUsersToPool>[0]) => Promise<T>,
  name = 'test copy',
): Promise<T> {
  return withCopyConnection(databases.applicationUrl, { name: 'test', signal }, source =>
    withCopyConnection(databases.platformUrl, { name, signal }, async target => {
      const copy = { source, target, users: storefrontUsers, db: databases.platform.db, vault: testVault };
      await prepareCopy(copy);
      return work(copy);
    }),
  );
}

beforeEach(async () => {
  await databases.application.sql`truncate users cascade`;
  await databases.platform.sql`truncate accounts cascade`;
});

it('brings every text over to the letter, with the digest that both sides have', async () => {
  const odd = [String.raw`\N`, '\\', 'a\tb\\n', 'line\nend', '"', "' or 1=1", 'Ünï🦄', ' ', '\\.'];
  await addUsers([...odd, ...Array.from({ length: 600 }, (_, n) => `ü${n}`)]);
  const copied = await withCopy(copy => copyUsersToPool(copy, scope, all));
  expect(copied.users).toBe(odd.length + 600);
  const ours = await digestTableOf(applicationDb(), storefrontUsers);
  const theirs = await readBuckets(databases.platform.db, poolTable, scope);
  expect(differingBuckets(await readBuckets(applicationDb(), ours, scope), theirs)).toEqual([]);
  expect(theirs.reduce((sum, { unsettled }) => sum + unsettled, 0)).toBe(0);
});

it('divides users into spans that have each of them once, whoever comes or goes', async () => {
  await addUsers(Array.from({ length: 25 }, (_, n) => `u${n}`));
  const spans = await readKeySpans(applicationDb(), storefrontUsers, scope, 10);
  expect(spans).toHaveLength(3);
  await databases.application.sql`delete from users where username like '%3'`;
  await addUsers(['new']);
  const names = await Promise.all(
    spans.map(span => namesInSpan(applicationDb(), storefrontUsers, { ...scope, batchId }, span)),
  );
  const present = await databases.application.sql<{ username: string }[]>`select username from users`;
  expect(names.flat().toSorted()).toEqual(present.map(({ username }) => username).toSorted());
  const elsewhere = { ...scope, batchId: newId() };
  expect(await readKeySpans(applicationDb(), storefrontUsers, elsewhere, 10)).toEqual([]);
});

it('refuses a span of which the pool has a tombstone, and writes nothing of it', async () => {
  await addUsers(['a', 'b', 'c']);
  await databases.platform.sql`
    insert into accounts (username, email, role, status, deleted_at) values ('b', 'b@example.com', 'user', 'deleted', now())`;
  const refusal = await withCopy(copy =>
    copy.target.transaction('begin', async () => copyUsersToPool(copy, scope, all)),
  ).catch(sqlStateOf);
  expect(refusal).toBe('23505');
  expect(await databases.platform.sql`select username from accounts`).toHaveLength(1);
});

it('ends what a process left open that copied under the same name', async () => {
  await addUsers(['a']);
  const left = Promise.withResolvers<CopyConnection>();
  const over = Promise.withResolvers<void>();
  const frozen = withCopy(async copy => {
    await copy.target.run('begin');
    await copyUsersToPool(copy, scope, all);
    left.resolve(copy.target);
    await over.promise;
    await copy.target.run('commit');
  });
  await left.promise;
  const [copied] = await Promise.all([
    withCopy(copy => copyUsersToPool(copy, scope, all)).finally(over.resolve),
    expect(frozen).rejects.toThrow(),
  ]);
  expect(copied.users).toBe(1);
});
