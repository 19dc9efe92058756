import { sql } from 'drizzle-orm';
import { testDatabases } from '../../../test/fixtures/database.ts';
import {
  countAccounts,
  findAccount,
  listAccounts,
  readAccountStats,
  readAccounts,
} from './account-reading.ts';
import { type AccountFields, dropTombstones, markDeleted, upsertAccounts } from './accounts.ts';

const databases = testDatabases();
const batchId = '0198f000-0000-7000-8000-000000000001';

const account = (username: string, changes: Partial<AccountFields> = {}): AccountFields => ({
  username,
  email: `${username}@example.com`,
  role: 'user',
  isTestUser: true,
  testBatchId: batchId,
  customAttributes: '{}',
  ...changes,
});

const overwrite = { onConflict: 'overwrite' } as const;
const byName = async (username: string) =>
  (await listAccounts(databases.platform.db, { limit: 1000, withDeleted: true })).find(
    found => found.username === username,
  );

beforeEach(async () => {
  await databases.platform.db.execute(sql`truncate accounts cascade`);
});

describe('upsertAccounts', () => {
  it('tells new accounts from changed and unchanged ones', async () => {
    const { db } = databases.platform;
    const first = [account('a'), account('b', { customAttributes: '{"plan":"pro","tags":["x"]}' })];
    expect(await upsertAccounts(db, first, overwrite)).toMatchObject({
      created: 2,
      updated: 0,
      unchanged: 0,
    });
    const second = [account('a', { role: 'admin' }), ...first.slice(1), account('c')];
    expect(await upsertAccounts(db, second, overwrite)).toMatchObject({
      created: 1,
      updated: 1,
      unchanged: 1,
    });
    expect((await byName('a'))?.role).toBe('admin');
    const none = { created: 0, updated: 0, unchanged: 0, differing: 0 };
    expect(await upsertAccounts(db, [], overwrite)).toEqual(none);
  });

  it('keeps every text to the letter', async () => {
    const { db } = databases.platform;
    const odd = ['"', '\\', '{a,b}', 'NULL', 'null', ' ', "' or 1=1 --", 'Ünï🦄', 'a\nb\t"\\"', '\\"'];
    const attributesOf = (text: string) => ({ [text]: [text] });
    const rows = odd.map(text =>
      account(text, { role: text, customAttributes: JSON.stringify(attributesOf(text)) }),
    );
    await upsertAccounts(db, rows, overwrite);
    const found = await listAccounts(db, { limit: 1000 });
    expect(found.map(row => [row.username, row.role, row.customAttributes]).toSorted()).toEqual(
      odd.map(text => [text, text, attributesOf(text)]).toSorted(),
    );
    expect(await upsertAccounts(db, rows, overwrite)).toMatchObject({ unchanged: odd.length });
  });

  it('leaves what is there alone when told to skip', async () => {
    const { db } = databases.platform;
    await upsertAccounts(db, [account('a')], overwrite);
    const counts = await upsertAccounts(db, [account('a', { role: 'admin' })], { onConflict: 'skip' });
    expect(counts).toEqual({ created: 0, updated: 0, unchanged: 1, differing: 1 });
    expect((await byName('a'))?.role).toBe('user');
  });

  it('keeps a password and a key that the other side did not tell', async () => {
    const { db } = databases.platform;
    await upsertAccounts(db, [account('a', { sealedPassword: 'sealed', sourceId: '7' })], overwrite);
    await upsertAccounts(db, [account('a', { role: 'admin' })], overwrite);
    expect(await byName('a')).toMatchObject({ role: 'admin', sealedPassword: 'sealed', sourceId: '7' });
  });

  it('keeps the digest of the last sync where both sides are the same', async () => {
    const { db } = databases.platform;
    await upsertAccounts(db, [account('a')], { ...overwrite, inSync: true });
    const made = await byName('a');
    expect(made?.baseDigest).toBe(made?.digest);
    await upsertAccounts(db, [account('a', { role: 'admin' })], { ...overwrite, inSync: true });
    const changed = await byName('a');
    expect(changed?.baseDigest).toBe(changed?.digest);
    expect(changed?.digest).not.toBe(made?.digest);
  });
});

describe('markDeleted', () => {
  it('leaves a tombstone without secrets, which an import brings to life again', async () => {
    const { db } = databases.platform;
    await upsertAccounts(db, [account('a', { sealedPassword: 'sealed' }), account('b')], overwrite);
    expect(await markDeleted(db, { usernames: ['a', 'nobody'] })).toBe(1);
    expect(await byName('a')).toMatchObject({ status: 'deleted', sealedPassword: null });
    expect(await countAccounts(db, {})).toBe(1);
    const counts = await upsertAccounts(db, [account('a')], { onConflict: 'skip' });
    expect(counts).toEqual({ created: 0, updated: 1, unchanged: 0, differing: 0 });
    expect(await byName('a')).toMatchObject({ status: 'synced', deletedAt: null });
  });

  it('deletes a batch, and forgets it for good only after its time', async () => {
    const { db } = databases.platform;
    await upsertAccounts(db, [account('a'), account('b', { testBatchId: null })], overwrite);
    expect(await markDeleted(db, { batchId })).toBe(1);
    expect(await dropTombstones(db, 1)).toBe(0);
    await db.execute(
      sql`update accounts set deleted_at = now() - interval '2 days' where status = 'deleted'`,
    );
    expect(await dropTombstones(db, 1)).toBe(1);
    expect((await listAccounts(db, { limit: 10, withDeleted: true })).map(row => row.username)).toEqual([
      'b',
    ]);
  });
});

describe('reading the pool', () => {
  it('pages through all accounts, each once', async () => {
    const { db } = databases.platform;
    const names = Array.from({ length: 25 }, (_, index) => `user${index}`);
    await upsertAccounts(
      db,
      names.map(name => account(name)),
      overwrite,
    );
    const seen: string[] = [];
    for await (const page of readAccounts(db, {}, { pageSize: 10 }))
      seen.push(...page.map(row => row.username));
    expect(seen.toSorted()).toEqual(names.toSorted());
  });

  it('pages by bytes, since attributes may be long', async () => {
    const { db } = databases.platform;
    const lengths = [...Array(30).fill(20_000), 300_000, 1, 1];
    const rows = lengths.map((length, n) =>
      account(`wide${n}`, { customAttributes: JSON.stringify({ a: 'x'.repeat(length) }) }),
    );
    await upsertAccounts(db, rows, overwrite);
    const pages: number[] = [];
    for await (const page of readAccounts(db, {}, { pageSize: 20 })) pages.push(page.length);
    expect(pages.reduce((sum, length) => sum + length, 0)).toBe(lengths.length);
    expect(Math.max(...pages)).toBe(12); // of 20 kB within 256 KiB
    expect(pages).toContain(1);
  });

  it('filters by batch, by marker and by time', async () => {
    const { db } = databases.platform;
    const old = account('old', { updatedAt: '2020-01-01T00:00:00Z' });
    await upsertAccounts(db, [old, account('other', { testBatchId: null, isTestUser: false })], overwrite);
    expect(await countAccounts(db, { batchId })).toBe(1);
    expect(await countAccounts(db, { testUsersOnly: true })).toBe(1);
    expect(await countAccounts(db, { modifiedSince: new Date('2021-01-01') })).toBe(1);
    expect(await findAccount(db, batchId)).toBeUndefined();
  });

  it('gives the same digest for the same accounts, however they came', async () => {
    const { db } = databases.platform;
    expect(await readAccountStats(db)).toMatchObject({ total: 0, byBatch: {}, digest: '0'.repeat(16) });
    await upsertAccounts(db, [account('a'), account('b', { testBatchId: null })], overwrite);
    const before = await readAccountStats(db);
    expect(before).toMatchObject({
      total: 2,
      byBatch: { [batchId]: 1, none: 1 },
      leased: 0,
      activeSessions: 0,
    });
    await upsertAccounts(db, [account('c')], overwrite);
    expect((await readAccountStats(db)).digest).not.toBe(before.digest);
    await markDeleted(db, { usernames: ['c'] });
    expect((await readAccountStats(db)).digest).toBe(before.digest);
  });
});
