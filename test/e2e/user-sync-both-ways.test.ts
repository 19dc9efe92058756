import fc from 'fast-check';
import { z } from 'zod';
import { newId } from '../../shared/kernel/ids.ts';
import { bodyOf, testApi } from '../fixtures/api.ts';
import { testDatabases } from '../fixtures/database.ts';
import { testJobs } from '../fixtures/jobs.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { addTestUsers, forgetUsers, testSync } from '../fixtures/user-sync.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

/** What a sync with the built-in load tester brings back to the application, and what it does where both have changed. */
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

  it('brings addresses over that users pass on to each other, also from one chunk to another', async () => {
    await addUsers(1, 250);
    await sync();
    await api.call('PUT', '/api/settings', { json: { sync_chunk_size: 100 } });
    const { platform, application } = databases;
    await platform.sql`
      update accounts set role = 'moved', updated_at = now() + interval '1 minute',
        email = 'u' || (substr(username, 2)::int % 250 + 1) || '@example.com'`;
    await application.sql`update users set role = 'ours' where username in ('u1', 'u200')`;
    await application.sql`insert into users (username, email, password_hash) values ('boss', 'boss@x', '!')`;
    await platform.sql`
      update accounts set status = 'deleted', deleted_at = now() where username = 'u7'`;
    await platform.sql`
      insert into accounts (username, email, role, test_batch_id) values
        ('renamed', 'u8@example.com', 'user', ${batchId}), ('pretender', 'boss@x', 'user', ${batchId})`;
    const { status: ending, result } = await sync({ direction: 'bidirectional' });
    expect({ ending, result }).toMatchObject({
      ending: 'partially_succeeded',
      result: { created: 1, updated: 249, deleted: 1, conflicts: 2, failed_count: 1, in_sync: false },
    });
    expect(result?.errors.map(({ username, code }) => `${username} ${code}`).sort()).toEqual([
      'pretender not_writable',
      'u1 changed_on_both',
      'u200 changed_on_both',
    ]);
    const [moved] = await application.sql`
      select count(*)::int as users from users
      where email = 'u' || (substr(username, 2)::int % 250 + 1) || '@example.com' and username like 'u%'`;
    expect(moved).toEqual({ users: 249 });
    expect(
      await application.sql`select email from users where username in ('boss', 'renamed') order by 1`,
    ).toEqual([{ email: 'boss@x' }, { email: 'u8@example.com' }]);
    await api.call('PUT', '/api/settings', { json: { sync_chunk_size: 5000 } });
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
