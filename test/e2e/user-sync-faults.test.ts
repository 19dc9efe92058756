import { newId } from '../../shared/kernel/ids.ts';
import { testApi } from '../fixtures/api.ts';
import { testDatabases } from '../fixtures/database.ts';
import { type PeerRelay, startPeerRelay } from '../fixtures/peer-relay.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { addTestUsers, forgetUsers, peerTarget, testSync } from '../fixtures/user-sync.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

/** What another Muster may do to a sync: go away in the middle, answer late, live by another clock, refuse a user. */
const databases = testDatabases();
const api = testApi(databases);
const other = testDatabases();
const otherApi = testApi(other);
const batchId = newId();
let worker: RunningWorker;
let peer: PeerRelay;

beforeAll(async () => {
  peer = await startPeerRelay(otherApi.url);
  worker = await runWorker(databases, postgresStore(databases));
  const json = { sync_chunk_size: 100, sync_worker_count: 1, sync_retry_attempts: 0 };
  await api.call('PUT', '/api/settings', { json });
});
afterAll(async () => {
  await worker.stop();
  await peer.stop();
});
beforeEach(async () => {
  Object.assign(peer, { clockOffMs: 0, letIn: () => true });
  await forgetUsers(databases, other);
});

const addUsers = (to: number) => addTestUsers(databases, batchId, { to });
const { endOf, submitSync } = testSync(api);
const submit = (request: object = {}) =>
  submitSync({ target: peerTarget({ url: peer.url, key: otherApi.key }), ...request });
const sync = async (request: object = {}) => endOf(await submit(request));
const isImport = (path: string) => path.startsWith('/api/users/import');

describe('a peer that', () => {
  it('dies in the middle ends the sync with what was done; a retry does the rest', async () => {
    await addUsers(350);
    let imports = 0;
    peer.letIn = path => !isImport(path) || ++imports <= 1;
    const submitted = await submit();
    expect(await endOf(submitted)).toMatchObject({
      status: 'partially_succeeded',
      result: {
        success: false,
        created: 100,
        failed_count: 250,
        in_sync: false,
        errors: [{ kind: 'network', code: 'peer_unreachable' }],
      },
    });
    peer.letIn = () => true;
    expect((await api.call('POST', `/api/jobs/${submitted.id}/retry`)).status).toBe(202);
    expect(await endOf(submitted)).toMatchObject({
      status: 'succeeded',
      result: { created: 250, failed_count: 0, in_sync: true },
    });
  });

  it('keeps a sync waiting is let go of when the sync is cancelled', async () => {
    await addUsers(350);
    const reached = Promise.withResolvers<void>();
    const cancelled = Promise.withResolvers<boolean>();
    let imports = 0;
    peer.letIn = path => {
      if (!isImport(path) || ++imports === 1) return true;
      reached.resolve();
      return cancelled.promise;
    };
    const submitted = await submit();
    await reached.promise;
    expect((await api.call('POST', `/api/jobs/${submitted.id}/cancel`)).status).toBe(202);
    const end = await endOf(submitted);
    cancelled.resolve(false);
    expect(end).toMatchObject({
      status: 'cancelled',
      result: { success: false, created: 100, in_sync: false },
    });
    peer.letIn = () => true;
    expect(await sync()).toMatchObject({ status: 'succeeded', result: { created: 250, in_sync: true } });
  });

  it.each([
    ['an hour ahead', 3_600_000],
    ['an hour behind', -3_600_000],
  ])('has its clock %s decides nothing by that', async (_case, clockOffMs) => {
    peer.clockOffMs = clockOffMs;
    await addUsers(4);
    const first = await sync({ direction: 'bidirectional' });
    await databases.application.sql`update users set role = 'ours' where username in ('u1', 'u2')`;
    await other.platform.sql`
      update accounts set role = 'theirs', updated_at = now() + case username when 'u1' then -1 else 1 end * interval '1 minute'
      where username in ('u1', 'u2')`;
    await other.platform.sql`update accounts set role = 'theirs', updated_at = now() where username = 'u3'`;
    const { sync_timestamp: modified_since } = first.result ?? {};
    const { status, result } = await sync({
      direction: 'bidirectional',
      filter_criteria: { modified_since },
    });
    expect({ status, result }).toMatchObject({
      status: 'succeeded',
      result: { updated: 3, conflicts: 2, failed_count: 0, in_sync: true },
    });
    expect(Math.abs((result?.clock_skew_ms ?? 0) - clockOffMs)).toBeLessThan(60_000);
    const roles = await databases.application.sql<
      { role: string }[]
    >`select role from users order by username`;
    expect(roles.map(({ role }) => role)).toEqual(['ours', 'theirs', 'theirs', 'user']);
  });

  it('has its clock behind is asked for no moment before the first', async () => {
    peer.clockOffMs = -3_600_000;
    await addUsers(2);
    expect(await sync({ filter_criteria: { modified_since: '0001-01-01T00:00:00Z' } })).toMatchObject({
      status: 'succeeded',
      result: { created: 2, in_sync: true },
    });
  });
});

describe('users whom a peer refuses', () => {
  it('fail alone: fields of a million characters, of one byte and of three', async () => {
    await addUsers(4);
    await databases.application.sql`
      update users set custom_attributes = jsonb_build_object('text', repeat(case username when 'u2' then 'x' else '語' end, 1000000))
      where username in ('u2', 'u3')`;
    const { status, result } = await sync();
    expect({ status, result }).toMatchObject({
      status: 'partially_succeeded',
      result: { created: 2, failed_count: 2, in_sync: false },
    });
    expect(result?.errors.map(({ username, code }) => [username, code]).sort()).toEqual([
      ['u2', 'invalid'],
      ['u3', 'payload_too_large'],
    ]);
  });

  it('stay in the application, however many they are', async () => {
    await addUsers(1200);
    await api.call('PUT', '/api/settings', { json: { sync_chunk_size: 2000 } });
    await databases.application.sql`
      update users set custom_attributes = jsonb_build_object(repeat('k', 1001), 1) where username <> 'u1'`;
    const refused = { created: 1, deleted: 0, failed_count: 1199, in_sync: false };
    expect((await sync({ direction: 'bidirectional' })).result).toMatchObject(refused);
    expect((await sync({ direction: 'bidirectional' })).result).toMatchObject({ ...refused, created: 0 });
  });
});

describe("a peer's users", () => {
  /** Accounts of the peer, with a text of some length in their attributes. */
  const addAccounts = (names: readonly string[], textLength: number) =>
    other.platform.sql`
      insert into accounts (username, email, role, test_batch_id, custom_attributes)
      select name, left(name, 20) || '@example.com', 'user', ${batchId}, jsonb_build_object('text', repeat('x', ${textLength}::int))
      from unnest(${[...names]}::text[]) as name`;

  it('of whom this side cannot take some fail alone, each with its reason', async () => {
    await addAccounts(['good', 'fine', 'n'.repeat(300)], 10);
    await addAccounts(['long'], 100_000);
    await addAccounts(['longer than an answer'], 9_000_000);
    const refused = [
      ['long', 'invalid'],
      ['longer than an answer', 'payload_too_large'],
      ['n'.repeat(300), 'too_big'],
    ];
    for (const [direction, created] of [
      ['pull', 2],
      ['bidirectional', 0],
    ]) {
      const { status, result } = await sync({ direction });
      expect({ status, result }).toMatchObject({
        status: 'partially_succeeded',
        result: { created, deleted: 0, failed_count: 3, in_sync: false, sync_timestamp: null },
      });
      expect(result?.errors.map(({ username, code }) => [username, code]).sort()).toEqual(refused);
    }
  });

  it('travel in more than one answer, and more than one import, when they are long', async () => {
    await api.call('PUT', '/api/settings', { json: { sync_chunk_size: 2000 } });
    const asked: string[] = [];
    peer.letIn = path => asked.push(path) > 0;
    const names = Array.from({ length: 150 }, (_, index) => `u${index}`);
    await addAccounts(names, 60_000);
    expect(await sync({ direction: 'pull' })).toMatchObject({
      status: 'succeeded',
      result: { created: 150, in_sync: true },
    });
    expect(asked.filter(path => path === '/api/users/sync/users')).toHaveLength(2);
    await other.platform.sql`delete from accounts`;
    await databases.platform.sql`delete from sync_bases`;
    expect(await sync()).toMatchObject({ status: 'succeeded', result: { created: 150, in_sync: true } });
    expect(asked.filter(isImport)).toHaveLength(2);
  });
});

it('a field of a million characters arrives whole in the built-in pool', async () => {
  await addUsers(1);
  await databases.application
    .sql`update users set custom_attributes = jsonb_build_object('text', repeat('x', 1000000))`;
  expect((await sync({ target: 'load_tester' })).result).toMatchObject({ created: 1, in_sync: true });
  const [kept] = await databases.platform
    .sql`select length(custom_attributes ->> 'text') as length from accounts`;
  expect(kept).toEqual({ length: 1_000_000 });
});
