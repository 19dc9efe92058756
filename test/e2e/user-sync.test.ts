import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { z } from 'zod';
import { submitScheduledSync } from '../../services/worker/features/user-sync/tick.ts';
import { userSyncRun } from '../../shared/contracts/user-sync.ts';
import { exportDocument } from '../../shared/http/accounts.ts';
import { newId } from '../../shared/kernel/ids.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { bodyOf, problemOf, type TestApi, testApi } from '../fixtures/api.ts';
import { testDatabases } from '../fixtures/database.ts';
import { testJobs } from '../fixtures/jobs.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { addTestUsers, forgetUsers, peerTarget, testSync } from '../fixtures/user-sync.ts';
import { testVault } from '../fixtures/vault.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

const databases = testDatabases();
const api = testApi(databases);
const other = testDatabases();
const otherApi = testApi(other);
const exports = mkdtempSync(join(tmpdir(), 'muster-exports-'));
let workers: RunningWorker[] = [];

beforeAll(async () => {
  const start = (name: string) =>
    runWorker(databases, postgresStore(databases), {
      name,
      exportsFolder: exports,
      storefrontUrl: 'http://127.0.0.1:9',
    });
  workers = await Promise.all(['worker-a', 'worker-b'].map(start));
});
afterAll(async () => {
  await Promise.all(workers.map(worker => worker.stop()));
  rmSync(exports, { recursive: true });
});

const batchId = newId();
const addUsers = (from: number, to: number) => addTestUsers(databases, batchId, { from, to });

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

const { run, ended } = testJobs(api);
const { sync } = testSync(api);

const side = z.object({ total_users: z.number(), digest: z.string() });
const statusSchema = z.object({
  in_sync: z.boolean(),
  application: side,
  load_tester: side,
  differing_buckets: z.number(),
});
const status = async () => bodyOf(await api.call('GET', '/api/bulk-users/sync/status'), statusSchema.loose());

const statsSchema = z.object({
  total_users: z.number(),
  by_batch: z.record(z.string(), z.number()),
  digest: z.string(),
});
const poolStats = async (on: TestApi) => bodyOf(await on.call('GET', '/api/users/stats'), statsSchema);

const settings = (changes: object) => api.call('PUT', '/api/settings', { json: changes });

beforeEach(() => forgetUsers(databases, other));

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

describe('both ways with the built-in load tester', () => {
  it('carries changes and deletions over, and settles conflicts by the policy', async () => {
    await addUsers(1, 20);
    const first = await sync({ direction: 'bidirectional' });
    expect(first).toMatchObject({ status: 'succeeded', result: { created: 20 } });
    const { platform, application } = databases;
    await platform.sql`update accounts set role = 'theirs', updated_at = now() where username = 'u1'`;
    await platform.sql`update accounts set status = 'deleted', deleted_at = now() where username = 'u2'`;
    await application.sql`update users set role = 'ours' where username = 'u3'`;
    await application.sql`delete from users where username = 'u4'`;
    await application.sql`update users set role = 'ours' where username in ('u5', 'u6')`;
    await platform.sql`update accounts set role = 'theirs', updated_at = now() + interval '1 minute' where username = 'u5'`;
    await platform.sql`update accounts set role = 'theirs', updated_at = now() - interval '1 minute' where username = 'u6'`;
    await platform.sql`insert into accounts (username, email, role, test_batch_id) values ('new', 'new@x', 'user', ${batchId})`;
    const { status: ending, result } = await sync({ direction: 'bidirectional' });
    expect({ ending, result }).toMatchObject({
      ending: 'succeeded',
      result: { created: 1, updated: 4, deleted: 2, conflicts: 2, failed_count: 0, in_sync: true },
    });
    expect(result?.errors).toMatchObject([
      { kind: 'conflict', code: 'changed_on_both', fields: ['role'] },
      { kind: 'conflict', code: 'changed_on_both', fields: ['role'] },
    ]);
    const roles = await application.sql<{ username: string; role: string }[]>`
      select username, role from users where username in ('u1', 'u2', 'u3', 'u4', 'u5', 'u6', 'new') order by 1`;
    expect(Object.fromEntries(roles.map(row => [row.username, row.role]))).toEqual({
      new: 'user',
      u1: 'theirs',
      u3: 'ours',
      u5: 'theirs',
      u6: 'ours',
    });
    const keys = await application.sql`
      select 1 from muster.bulk_chunks where user_keys = (select array[id::text] from users where username = 'new')`;
    expect(keys).toHaveLength(1);
  });

  it('leaves the counts of a batch as those of its creation when users of it are deleted', async () => {
    const id = newId();
    await run('POST', '/api/bulk-users/create', {
      count: 4,
      config: { username_pattern: 'gone_{id}', test_batch_id: id },
    });
    await sync();
    await databases.platform.sql`
      update accounts set status = 'deleted', deleted_at = now() where username in ('gone_1', 'gone_2')`;
    expect(await sync({ direction: 'pull', confirm: true })).toMatchObject({ result: { deleted: 2 } });
    const counts = z.object({ successful_count: z.number(), cleaned_count: z.number() });
    const batch = `/api/bulk-users/batches/${id}`;
    expect(await bodyOf(await api.call('GET', batch), counts)).toEqual({
      successful_count: 4,
      cleaned_count: 0,
    });
    const users = z.object({ items: z.array(z.object({ username: z.string() })) });
    const { items } = await bodyOf(await api.call('GET', `${batch}/users`), users);
    expect(items.map(({ username }) => username).sort()).toEqual(['gone_3', 'gone_4']);
  });

  it('never writes a production user', async () => {
    await databases.application.sql`
      insert into users (username, email, password_hash) values ('boss', 'boss@x', '!'), ('chief', 'chief@x', '!')`;
    await databases.platform.sql`
      insert into accounts (username, email, role, test_batch_id) values
        ('boss', 'evil@x', 'admin', ${batchId}), ('pretender', 'chief@x', 'user', ${batchId})`;
    const { status: ending, result } = await sync({ direction: 'pull', full: true, confirm: true });
    expect({ ending, failed: result?.failed_count }).toEqual({ ending: 'failed', failed: 2 });
    expect(new Set(result?.errors.map(error => error.code))).toEqual(new Set(['not_writable']));
    const rows = await databases.application.sql`select username, email, role from users order by 1`;
    expect([...rows]).toEqual([
      { username: 'boss', email: 'boss@x', role: 'user' },
      { username: 'chief', email: 'chief@x', role: 'user' },
    ]);
  });
});

describe('another Muster', () => {
  const peer = (key = otherApi.key) => peerTarget({ url: otherApi.url, key });
  const pool = async () =>
    other.platform.sql`select username, role from accounts where status <> 'deleted' order by username`;

  it('is kept in sync both ways, deletions included', async () => {
    await addUsers(1, 250);
    const first = await sync({ target: peer() });
    expect(first.result).toMatchObject({ created: 250, in_sync: true, errors: [] });
    expect(first.result?.bytes_sent).toBeGreaterThan(1000);
    expect(await sync({ target: peer() })).toMatchObject({ result: { unchanged: 250, in_sync: true } });
    await databases.application.sql`delete from users where username = 'u1'`;
    await databases.application.sql`update users set role = 'admin' where username = 'u2'`;
    await other.platform.sql`update accounts set role = 'theirs' where username = 'u3'`;
    await other.platform
      .sql`update accounts set status = 'deleted', deleted_at = now() where username = 'u4'`;
    expect(await sync({ target: peer(), direction: 'bidirectional' })).toMatchObject({
      status: 'succeeded',
      result: { created: 0, updated: 2, deleted: 2, conflicts: 0, in_sync: true },
    });
    expect(await pool()).toHaveLength(248);
    expect(await sync()).toMatchObject({ result: { created: 248, in_sync: true } });
    const here = await poolStats(api);
    expect(here).toMatchObject({ total_users: 248, by_batch: { [batchId]: 248 } });
    expect(await poolStats(otherApi)).toEqual(here);
    expect((await status()).application).toEqual({ total_users: 248, digest: here.digest });
    const [u3] = await databases.application.sql`select role from users where username = 'u3'`;
    expect(u3).toEqual({ role: 'theirs' });
  });

  it('is told no secrets by the job, and a wrong key ends the sync', async () => {
    await addUsers(1, 3);
    const { status: ending, result } = await sync({ target: peer('muster_wrong_key') });
    expect({ ending, errors: result?.errors }).toMatchObject({
      ending: 'failed',
      errors: [{ kind: 'authentication', code: 'peer_refused_key' }],
    });
    const [leak] = await databases.platform.sql`
      select count(*)::int as n from jobs where payload::text like '%wrong_key%' or result::text like '%wrong_key%'`;
    expect(leak).toEqual({ n: 0 });
  });
});

describe('what is refused', () => {
  it.each([
    [{ target: { type: 'http', base_url: 'http://192.0.2.1', api_key: 'k' } }, 'target_not_allowed'],
    [{ target: { type: 'file', name: 'x' }, direction: 'pull' }, 'validation_failed'],
    [{ direction: 'pull', filter_criteria: { test_users_only: false } }, 'validation_failed'],
    [{ filter_criteria: { batch_id: 'test-batch-id' } }, 'validation_failed'],
  ])('%j', async (request, code) => {
    const response = await api.call('POST', '/api/bulk-users/sync', {
      json: { target: 'load_tester', ...request },
    });
    expect((await problemOf(response)).code).toBe(code);
  });
});

describe('a schedule', () => {
  it('submits one sync when it is due, and logs accounts in when that is wanted', async () => {
    const { db, sql } = databases.platform;
    await sql`delete from sync_runs`;
    const now = Date.now();
    expect(await submitScheduledSync(db, newId(), new Date(now))).toBeUndefined();
    await settings({ sync_enabled: true, sync_interval_minutes: 30, auto_login_on_sync: true });
    await addUsers(1, 5);
    const due = newId();
    expect(await submitScheduledSync(db, due, new Date(now))).toBe(due);
    expect(await submitScheduledSync(db, newId(), new Date(now + 60_000))).toBeUndefined();
    await workers[0]?.queue.enqueue(userSyncRun, { job_id: due });
    expect(await ended({ id: due })).toMatchObject({ status: 'succeeded', requested_by: 'schedule' });
    expect(await submitScheduledSync(db, newId(), new Date(now + 60_000))).toBeUndefined();
    expect(await submitScheduledSync(db, newId(), new Date(now + 31 * 60_000))).toBeDefined();
    const logins = await sql`select requested_by from jobs where kind = 'users.bulk-login'`;
    expect([...logins]).toEqual([{ requested_by: 'schedule' }]);
    expect(await status()).toMatchObject({ next_run: expect.any(String) });
    await sql`delete from jobs where kind = 'user-sync.run' and status = 'queued'`;
    await settings({ sync_enabled: false, auto_login_on_sync: false });
  });
});

describe('a file', () => {
  it('is written whole, in the shape of an export, and again only when users changed', async () => {
    await addUsers(1, 40);
    const target = { type: 'file', name: 'for-k6' };
    expect(await sync({ target })).toMatchObject({
      status: 'succeeded',
      result: { created: 40, in_sync: true },
    });
    const document = exportDocument.parse(JSON.parse(await readFile(join(exports, 'for-k6.json'), 'utf8')));
    expect([document.users.length, document.total_count, document.source_system]).toEqual([
      40,
      40,
      'application',
    ]);
    expect(await sync({ target })).toMatchObject({ result: { unchanged: 40, bytes_sent: 0 } });
    expect(await readdir(exports)).toEqual(['for-k6.json']);
  });

  it('takes away the drafts that dead workers left, and none that somebody may be writing', async () => {
    await addUsers(1, 3);
    const [own, old, fresh] = ['crash.json', 'old.json', 'fresh.json'].map(
      name => `${name}.${newId()}.draft`,
    );
    for (const draft of [own, old, fresh]) await writeFile(join(exports, draft ?? ''), '{');
    await utimes(join(exports, old ?? ''), 0, 0);
    expect(await sync({ target: { type: 'file', name: 'crash' } })).toMatchObject({ status: 'succeeded' });
    const left = await readdir(exports);
    expect(left.filter(name => name.endsWith('.draft'))).toEqual([fresh]);
    expect(left).toContain('crash.json');
  });
});

describe('whatever is done on both sides', () => {
  const step = fc.record({
    on: fc.constantFrom('application', 'pool'),
    what: fc.constantFrom('insert', 'change', 'delete'),
    user: fc.integer({ min: 1, max: 12 }),
    value: fc.integer({ min: 1, max: 3 }),
  });

  async function take({ on, what, user, value }: typeof step extends fc.Arbitrary<infer S> ? S : never) {
    const { platform, application } = databases;
    const [name, role] = [`u${user}`, `role ${value}`];
    if (on === 'application' && what === 'insert')
      await application.sql`
        insert into users (username, email, role, password_hash, is_test_user, test_batch_id, created_by_bulk)
        values (${name}, ${`${name}@example.com`}, ${role}, '!', true, ${batchId}, true) on conflict do nothing`;
    else if (on === 'application' && what === 'change')
      await application.sql`update users set role = ${role} where username = ${name}`;
    else if (on === 'application') await application.sql`delete from users where username = ${name}`;
    else if (what === 'insert')
      await platform.sql`
        insert into accounts (username, email, role, test_batch_id) values (${name}, ${`${name}@example.com`}, ${role}, ${batchId})
        on conflict (username) do update set role = excluded.role, status = 'synced', deleted_at = null, updated_at = now()`;
    else if (what === 'change')
      await platform.sql`update accounts set role = ${role}, updated_at = now() where username = ${name} and status <> 'deleted'`;
    else
      await platform.sql`update accounts set status = 'deleted', deleted_at = now() where username = ${name} and status <> 'deleted'`;
  }

  it('ends with the same digests', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { minLength: 1, maxLength: 8 }), { minLength: 2, maxLength: 3 }),
        async rounds => {
          for (const steps of rounds) {
            for (const one of steps) await take(one);
            const { result } = await sync({ direction: 'bidirectional', confirm: true });
            expect(result).toMatchObject({ success: true, in_sync: true });
            const { application, load_tester } = await status();
            expect(application).toEqual(load_tester);
          }
        },
      ),
      { numRuns: 5 },
    );
  });
});
