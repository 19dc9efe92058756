import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { executedBy } from '../../../test/fixtures/plans.ts';
import { digestTableOf } from '../user-sync/synced-users.ts';
import { storefrontUsers } from '../users/user-table.ts';
import { listEntries, poolTable, readBuckets, readHashProbe, readSubBuckets } from './account-digests.ts';
import { readFold } from './account-fold.ts';
import { readAccountStats } from './account-reading.ts';
import { type AccountFields, upsertAccounts } from './accounts.ts';
import { differingBuckets, differingSubBuckets, foldBuckets, summarize } from './bucket-comparison.ts';

const databases = testDatabases();
const batchId = '0198f000-0000-7000-8000-000000000001';
const scope = { testUsersOnly: true };

async function putOnBothSides(users: AccountFields[]): Promise<void> {
  await upsertAccounts(databases.platform.db, users, { onConflict: 'overwrite' });
  const rows = users.map(user => ({ ...user, custom_attributes: user.customAttributes }));
  await databases.application.sql`
    insert into users (username, email, role, password_hash, custom_attributes, is_test_user, test_batch_id, created_by_bulk)
    select username, email, role, '!', custom_attributes::jsonb, true, ${batchId}::uuid, true
    from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as u (username text, email text, role text, custom_attributes text)`;
}

async function bothBuckets() {
  const table = await digestTableOf(databases.application.db, storefrontUsers);
  const ours = await readBuckets(databases.application.db, table, scope);
  const theirs = await readBuckets(databases.platform.db, poolTable, scope);
  return { table, ours, theirs };
}

const user = (username: string, changes: Partial<AccountFields> = {}): AccountFields => ({
  username,
  email: `${username}@example.com`,
  role: 'user',
  isTestUser: true,
  testBatchId: batchId,
  customAttributes: '{}',
  ...changes,
});

beforeEach(async () => {
  await databases.platform.sql`truncate accounts cascade`;
  await databases.application.sql`truncate users cascade`;
});

it('both databases make the same digest of the same user, whatever is in it', async () => {
  const text = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .filter(value => !value.includes('\0') && value.isWellFormed());
  const json = fc.jsonValue();
  const attributes = fc.dictionary(
    fc.stringMatching(/^[a-z]{1,8}$/),
    json.filter(value => !JSON.stringify(value).includes('\\u0000')),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(text, attributes), { selector: ([name]) => name, maxLength: 20 }),
      async drawn => {
        await databases.platform.sql`truncate accounts cascade`;
        await databases.application.sql`truncate users cascade`;
        await putOnBothSides(
          drawn.map(([name, drawnAttributes]) =>
            user(name, {
              customAttributes: JSON.stringify(drawnAttributes),
              role: [...name].slice(0, 5).join(''),
            }),
          ),
        );
        const { ours, theirs } = await bothBuckets();
        expect(differingBuckets(ours, theirs)).toEqual([]);
        expect(summarize(ours)).toEqual(summarize(theirs));
        expect(await readFold(databases.platform.db, poolTable, scope)).toEqual(foldBuckets(theirs));
      },
    ),
    { numRuns: 10 },
  );
});

it('leads from what differs to who differs, and to nobody else', async () => {
  await putOnBothSides(Array.from({ length: 3000 }, (_, index) => user(`u${index}`)));
  await databases.application.sql`update users set role = 'admin' where username = 'u7'`;
  await databases.application.sql`delete from users where username = 'u8'`;
  const { table, ours, theirs } = await bothBuckets();
  const buckets = differingBuckets(ours, theirs);
  expect(buckets.length).toBeLessThanOrEqual(2);
  const small = differingSubBuckets(
    await readSubBuckets(databases.application.db, table, scope, buckets),
    await readSubBuckets(databases.platform.db, poolTable, scope, buckets),
  );
  const entries = await listEntries(databases.platform.db, poolTable, scope, { subBuckets: small });
  const names = entries.map(({ username }) => username);
  expect(names).toEqual(expect.arrayContaining(['u7', 'u8']));
  expect(names.length).toBeLessThan(6);
  expect(small.every(number => buckets.includes(number % 4096))).toBe(true);
});

it('sums up to the digest that the pool tells of itself, and both servers hash alike', async () => {
  await putOnBothSides([user('a'), user('b')]);
  const { ours } = await bothBuckets();
  expect(summarize(ours).digest).toBe((await readAccountStats(databases.platform.db)).digest);
  const [one, other] = [
    await readHashProbe(databases.platform.db),
    await readHashProbe(databases.application.db),
  ];
  expect(one.probe).toBe(other.probe);
});

it('finds the buckets without sorting users, however little memory there is', async () => {
  await databases.application.sql`
    insert into users (username, email, role, password_hash, is_test_user, test_batch_id, created_by_bulk)
    select 'u' || n, 'u' || n || '@example.com', 'user', '!', true, ${batchId}, true from generate_series(1, 20000) n`;
  await databases.application.sql`vacuum analyze users`;
  const table = await digestTableOf(databases.application.db, storefrontUsers);
  const executed = await executedBy(databases.applicationUrl, async db => {
    await db.execute(sql`set work_mem = '64kB'`);
    expect(foldBuckets(await readBuckets(db, table, scope)).users).toBe(20_000);
  });
  expect(executed.map(({ sorted }) => sorted)).toEqual([0]);
});
