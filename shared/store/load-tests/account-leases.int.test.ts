import { accounts } from '../../../drizzle/platform/schema/accounts.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { insertTest } from '../../../test/fixtures/load-test.ts';
import { defaultLogin } from '../../contracts/account-sessions.ts';
import type { LoadTestConfig, UserPoolConfig } from '../../contracts/load-tests.ts';
import { newId } from '../../kernel/ids.ts';
import { saveSessions } from '../accounts/account-sessions.ts';
import {
  type AccountNeed,
  countFreeAccounts,
  leaseAccounts,
  reclaimAccounts,
  releaseAccounts,
  takeHeldAccounts,
} from './account-leases.ts';
import { readRun, restartRun } from './load-runs.ts';
import { placeShards } from './load-slots.ts';

const databases = testDatabases();
const db = () => databases.platform.db;
const batchId = newId();
const origin = 'http://shop.test';
let names: Map<string, string>;

beforeEach(async () => {
  await db().delete(accounts);
  const rows = await db()
    .insert(accounts)
    .values(
      [1, 2, 3, 4, 5].map(number => ({
        username: `user${number}`,
        email: `user${number}@shop.test`,
        role: 'user',
        testBatchId: batchId,
        sealedPassword: number === 5 ? null : 'sealed',
        status: 'synced' as const,
      })),
    )
    .returning();
  names = new Map(rows.map(({ id, username }) => [username, id]));
});

const needOf = (users: number, pool: Partial<UserPoolConfig> = {}): AccountNeed => ({
  pool: { batch_id: batchId, policy: 'unique', login: defaultLogin, ...pool },
  origin,
  users,
});

/** A run with this many shards, each under the epoch 1. */
async function placed(shards: number, config: Partial<LoadTestConfig> = {}): Promise<string> {
  const { id } = await insertTest(databases, config);
  const places = Array.from({ length: shards }, () => ({ workerId: newId(), worker: 'ada' }));
  await placeShards(db(), { testId: id, places, leaseMs: 60_000 });
  await databases.platform.sql`update load_shards set epoch = 1 where load_test_id = ${id}`;
  return id;
}

const under = (epoch: number, testId: string, shard: number) => ({ testId, run: -1, shard, epoch });
const lease = (testId: string, need: AccountNeed) =>
  db().transaction(tx => leaseAccounts(tx, { testId, need }));
const held = async (testId: string, shard: number, shards: number, need: AccountNeed, epoch = 1) =>
  (await takeHeldAccounts(db(), under(epoch, testId, shard), { shards, need })).map(
    account => account.username,
  );
const statuses = async () =>
  (await databases.platform.sql`select username, status from accounts order by username`).map(
    row => row.status,
  );
const idOf = (username: string): string => names.get(username) ?? '';

it('two runs never hold the same account, and what is given back is free again', async () => {
  const [first, second] = [await placed(2), await placed(1)];
  expect(await lease(first, needOf(3))).toBe(3);
  expect(await held(first, 0, 2, needOf(3))).toEqual(['user1', 'user3']);
  expect(await held(first, 1, 2, needOf(3))).toEqual(['user2']);
  expect(await statuses()).toEqual(['leased', 'leased', 'leased', 'synced', 'synced']);
  expect(await countFreeAccounts(db(), needOf(3))).toBe(1);
  expect(await lease(second, needOf(2))).toBe(1); // too few: none is taken
  expect(await held(second, 0, 1, needOf(2))).toEqual([]);
  await db().transaction(tx => releaseAccounts(tx, first));
  expect(await statuses()).toEqual(['released', 'released', 'released', 'synced', 'synced']);
  expect(await lease(second, needOf(4))).toBe(4);
});

it('a run that begins anew has given back what the one before it held', async () => {
  const id = await placed(1);
  expect(await lease(id, needOf(3))).toBe(3);
  await db().transaction(async tx => restartRun(tx, (await readRun(tx, id, { hold: true })).test, 1));
  expect(await lease(id, needOf(4))).toBe(4);
});

it('runs that ask at the same time share the pool out', async () => {
  const runs = await Promise.all([placed(1), placed(1), placed(1)]);
  const found = await Promise.all(
    runs.map(testId =>
      db().transaction(async tx => {
        await tx.execute('select pg_advisory_xact_lock(1)'); // as the conductor holds the slots
        return leaseAccounts(tx, { testId, need: needOf(2) });
      }),
    ),
  );
  expect(found.toSorted()).toEqual([0, 2, 2]);
  const lists = await Promise.all(runs.map(testId => held(testId, 0, 1, needOf(2))));
  expect(lists.flat().toSorted()).toEqual(['user1', 'user2', 'user3', 'user4']);
});

it('a shard that is taken over takes its accounts along; the old epoch has none', async () => {
  const id = await placed(2);
  await lease(id, needOf(4));
  await databases.platform.sql`update load_shards set epoch = 2 where load_test_id = ${id} and shard = 0`;
  expect(await held(id, 0, 2, needOf(4), 1)).toEqual([]); // a worker that wakes up
  expect(await held(id, 0, 2, needOf(4), 2)).toEqual(['user1', 'user3']);
  expect(await held(id, 1, 2, needOf(4), 1)).toEqual(['user2', 'user4']);
});

it('accounts with a session come first, and without logins only those do', async () => {
  const sessions = ['user3', 'user5', 'user4'].map((username, index) => ({
    accountId: idOf(username),
    sealedSession: 'sealed',
    expiresAt: index === 2 ? new Date() : null,
    loginMs: 1,
    failureCode: null,
  }));
  await saveSessions(db(), { origin, sessions });
  const id = await placed(1);
  const need = needOf(2, { login: null });
  expect(await countFreeAccounts(db(), needOf(3, { login: null }))).toBe(2);
  expect(await countFreeAccounts(db(), { ...need, origin: 'http://other.test' })).toBe(0);
  expect(await lease(id, need)).toBe(2);
  expect(await held(id, 0, 1, need)).toEqual(['user3', 'user5']);
});

it('users take turns over the accounts of a run, also when there are fewer than shards', async () => {
  const [wide, narrow] = [await placed(2), await placed(3)];
  const turns = needOf(100, { policy: 'round_robin' });
  await databases.platform.sql`delete from accounts where username in ('user3', 'user4')`;
  expect(await lease(narrow, turns)).toBe(2);
  expect(await Promise.all([0, 1, 2].map(shard => held(narrow, shard, 3, turns)))).toEqual([
    ['user1'],
    ['user2'],
    ['user1'],
  ]);
  expect(await lease(wide, turns)).toBe(0); // the other run has them for itself
});

it("a shared pool is nobody's own", async () => {
  const shared = needOf(100, { policy: 'shared' });
  const [one, other] = [await placed(1), await placed(2)];
  expect([await lease(one, shared), await lease(other, shared)]).toEqual([1, 1]);
  expect(await held(one, 0, 1, shared)).toEqual(['user1', 'user2', 'user3', 'user4']);
  expect(await held(other, 1, 2, shared)).toEqual(['user2', 'user4']);
});

it('what runs hold that have ended or are gone is given back; a deleted account stays deleted', async () => {
  const [ended, gone, running] = [await placed(1), newId(), await placed(1)];
  await lease(ended, needOf(1));
  await lease(gone, needOf(1));
  await lease(running, needOf(1));
  await databases.platform.sql`update load_tests set finished_at = now() where id = ${ended}`;
  await databases.platform.sql`
    update accounts set status = 'deleted', deleted_at = now() where username = 'user2'`;
  await reclaimAccounts(db());
  expect(await statuses()).toEqual(['released', 'deleted', 'leased', 'synced', 'synced']);
  expect(await databases.platform.sql`select load_test_id as id from account_leases`).toEqual([
    { id: running },
  ]);
});
