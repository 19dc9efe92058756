import { z } from 'zod';
import { newId } from '../../shared/kernel/ids.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { bodyOf, testApi } from '../fixtures/api.ts';
import { testDatabases } from '../fixtures/database.ts';
import { testJobs } from '../fixtures/jobs.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { addTestUsers, forgetUsers, testSync } from '../fixtures/user-sync.ts';
import { testVault } from '../fixtures/vault.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

/** What a push to the built-in load tester brings there, proves and tells. */
const databases = testDatabases();
const api = testApi(databases);
let workers: RunningWorker[] = [];

beforeAll(async () => {
  const start = (name: string) => runWorker(databases, postgresStore(databases), { name });
  workers = await Promise.all(['worker-a', 'worker-b'].map(start));
});
afterAll(() => Promise.all(workers.map(worker => worker.stop())));
beforeEach(() => forgetUsers(databases));

const batchId = newId();
const addUsers = (from: number, to: number) => addTestUsers(databases, batchId, { from, to });
const { run } = testJobs(api);
const { status, sync } = testSync(api);
const settings = (changes: object) => api.call('PUT', '/api/settings', { json: changes });

/** All test files share a server, and what was committed while any transaction of it was open is looked at again. */
async function otherTransactionsEnded(): Promise<void> {
  const { sql } = databases.application;
  const [present] = await sql<{ xid: string }[]>`select pg_current_xact_id()::text as xid`;
  await waitFor(
    'the end of the transactions of other tests',
    async () => {
      const [{ over } = { over: false }] = await sql<{ over: boolean }[]>`
        select pg_snapshot_xmin(pg_current_snapshot()) > ${present?.xid ?? ''}::xid8 as over`;
      return over;
    },
    { timeoutMs: 20_000 },
  );
}

describe('a push to the built-in load tester', () => {
  it('brings all test users there, then only what changed, and proves it', async () => {
    await settings({ sync_chunk_size: 100 });
    await addUsers(1, 450);
    const first = await sync();
    expect(first).toMatchObject({
      status: 'succeeded',
      result: {
        success: true,
        created: 450,
        synced_count: 450,
        unchanged: 0,
        failed_count: 0,
        in_sync: true,
      },
    });
    const { sql } = databases.application;
    await sql`update users set role = 'admin' where username in ('u1', 'u2')`;
    await sql`delete from users where username = 'u3'`;
    await addUsers(451, 452);
    const second = await sync();
    expect(second.result).toMatchObject({
      created: 2,
      updated: 2,
      deleted: 1,
      unchanged: 447,
      in_sync: true,
    });
    expect(second.result?.bytes_sent).toBeLessThan((first.result?.bytes_sent ?? 0) / 2);
    expect(await sync()).toMatchObject({
      result: { created: 0, updated: 0, deleted: 0, unchanged: 451, in_sync: true },
    });
    const now = await status();
    expect(now).toMatchObject({ in_sync: true, differing_buckets: 0, application: { total_users: 451 } });
    expect(now.application).toEqual(now.load_tester);
  });

  it('decides user by user where the pool has somebody of a name already', async () => {
    await settings({ sync_chunk_size: 100 });
    await addUsers(1, 250);
    await databases.platform.sql`
      insert into accounts (username, email, role, is_test_user, status, deleted_at, base_digest) values
        ('u50', 'u50@example.com', 'user', true, 'deleted', now(), 1), ('u150', 'x@example.com', 'user', false, 'created', null, null)`;
    expect(await sync({ conflict_policy: 'application' })).toMatchObject({
      status: 'succeeded',
      result: { created: 248, updated: 2, conflicts: 2, failed_count: 0, in_sync: true },
    });
  });

  it('counts in a dry run and writes nothing', async () => {
    await addUsers(1, 20);
    expect(await sync({ dry_run: true })).toMatchObject({
      status: 'succeeded',
      result: { created: 20, in_sync: false, dry_run: true },
    });
    expect(await status()).toMatchObject({ in_sync: false, load_tester: { total_users: 0 } });
  });

  it('stops before it deletes too many, until that is confirmed', async () => {
    await addUsers(1, 20);
    await sync();
    await databases.application.sql`delete from users where custom_attributes->>'n' < '19'`;
    expect(await sync()).toMatchObject({ status: 'failed', error: { code: 'deletion_guard' } });
    expect(await status()).toMatchObject({ load_tester: { total_users: 20 } });
    expect(await sync({ confirm: true })).toMatchObject({ status: 'succeeded', result: { in_sync: true } });
  });

  it('takes the passwords of a batch along, and leaves accounts alone that it never brought', async () => {
    await run('POST', '/api/bulk-users/create', {
      count: 3,
      config: { username_pattern: 'made_{id}', password: 'Secret-123!', test_batch_id: newId() },
    });
    await api.call('POST', '/api/users/import', {
      json: { users: [{ username: 'own', email: 'own@x', role: 'user' }] },
    });
    expect(await sync()).toMatchObject({ result: { created: 3, deleted: 0, in_sync: false } });
    const rows = await databases.platform.sql<{ username: string; sealed_password: string }[]>`
      select username, sealed_password from accounts where username like 'made%' order by 1`;
    expect(rows.map(row => testVault.open(row.sealed_password))).toEqual(Array(3).fill('Secret-123!'));
    expect(await sync({ full: true, confirm: true })).toMatchObject({
      result: { deleted: 1, in_sync: true },
    });
  });

  it('looks at what changed since a moment, also at what was committed after it', async () => {
    await addUsers(1, 30);
    await otherTransactionsEnded();
    const first = await sync();
    const { sql } = databases.application;
    await sql`update users set role = 'late', updated_at = '2020-01-01' where username = 'u7'`;
    await sql`update users set role = 'new' where username = 'u8'`;
    const second = await sync({ filter_criteria: { modified_since: first.result?.sync_timestamp } });
    expect(second.result).toMatchObject({ updated: 2, unchanged: 0, in_sync: true });
  });

  it('sees later what a transaction that stayed open over two syncs had written before them', async () => {
    await addUsers(1, 30);
    await otherTransactionsEnded();
    const { sql } = databases.application;
    const late = await sql.reserve();
    try {
      await late`begin`;
      await late`update users set role = 'late' where username = 'u7'`;
      const first = await sync();
      expect(first).toMatchObject({ status: 'succeeded', result: { created: 30, in_sync: true } });
      const since = (previous: typeof first) =>
        sync({ filter_criteria: { modified_since: previous.result?.sync_timestamp } });
      const second = await since(first);
      expect(second.result).toMatchObject({ updated: 0, in_sync: true });
      await late`commit`;
      const [row] = await sql`
        select updated_at < ${second.result?.sync_timestamp ?? ''}::timestamptz as is_earlier from users where username = 'u7'`;
      expect(row).toEqual({ is_earlier: true });
      expect((await since(second)).result).toMatchObject({ updated: 1, in_sync: true });
    } finally {
      late.release();
    }
    expect(await status()).toMatchObject({ in_sync: true });
  });

  it('lists who differs, and in what', async () => {
    await addUsers(1, 10);
    await sync();
    await databases.application.sql`update users set role = 'admin', email = 'new@x' where username = 'u1'`;
    await databases.application.sql`delete from users where username = 'u2'`;
    await addUsers(11, 11);
    const list = z.object({
      items: z.array(z.object({ username: z.string(), difference: z.string(), fields: z.array(z.string()) })),
      next_cursor: z.string().nullable(),
    });
    const found = new Map<string, unknown>();
    for (let cursor = ''; ; ) {
      const page = await bodyOf(
        await api.call('GET', `/api/bulk-users/sync/differences?limit=2${cursor}`),
        list,
      );
      for (const { username, ...rest } of page.items) found.set(username, rest);
      if (page.next_cursor === null) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect(Object.fromEntries(found)).toEqual({
      u1: { difference: 'changed', fields: ['email', 'role'] },
      u2: { difference: 'only_load_tester', fields: [] },
      u11: { difference: 'only_application', fields: [] },
    });
  });
});
