import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { submitScheduledSync } from '../../services/worker/features/user-sync/tick.ts';
import { userSyncRun } from '../../shared/contracts/user-sync.ts';
import { exportDocument } from '../../shared/http/accounts.ts';
import { newId } from '../../shared/kernel/ids.ts';
import { bodyOf, problemOf, type TestApi, testApi } from '../fixtures/api.ts';
import { testDatabases } from '../fixtures/database.ts';
import { testJobs } from '../fixtures/jobs.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { addTestUsers, forgetUsers, peerTarget, testSync } from '../fixtures/user-sync.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

/** Syncs with another Muster and with a file, those that a schedule asks for, and those that are refused. */
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

const { ended } = testJobs(api);
const { status, sync } = testSync(api);

const statsSchema = z.object({
  total_users: z.number(),
  by_batch: z.record(z.string(), z.number()),
  digest: z.string(),
});
const poolStats = async (on: TestApi) => bodyOf(await on.call('GET', '/api/users/stats'), statsSchema);

const settings = (changes: object) => api.call('PUT', '/api/settings', { json: changes });

beforeEach(() => forgetUsers(databases, other));

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
