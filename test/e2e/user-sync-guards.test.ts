import { newId } from '../../shared/kernel/ids.ts';
import { createApiKey } from '../../shared/store/access/api-keys.ts';
import { testApi } from '../fixtures/api.ts';
import { testDatabases } from '../fixtures/database.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { addTestUsers, forgetUsers, peerTarget, testSync } from '../fixtures/user-sync.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

/** What a sync must not take from either side, whatever it is asked and whatever it meets. */
const databases = testDatabases();
const api = testApi(databases);
const other = testDatabases();
const otherApi = testApi(other);
const batchId = newId();
let worker: RunningWorker;

beforeAll(async () => {
  worker = await runWorker(databases, postgresStore(databases));
});
afterAll(() => worker.stop());
beforeEach(() => forgetUsers(databases, other));

const { sync } = testSync(api);
const addUsers = (to: number) => addTestUsers(databases, batchId, { to });
const peer = () => peerTarget(otherApi);
const usersLeft = async () => (await databases.application.sql`select from users`).count;

describe('a deletion of many accounts', () => {
  it.each([
    ['the built-in pool', 'pull'],
    ['the built-in pool', 'bidirectional'],
    ['another Muster', 'pull'],
  ])('in %s stops a %s by time', async (place, direction) => {
    const isOwn = place === 'the built-in pool';
    const of = { target: isOwn ? 'load_tester' : peer(), direction };
    await addUsers(20);
    const first = await sync({ ...of, direction: 'bidirectional' });
    await (isOwn ? databases : other).platform
      .sql`update accounts set status = 'deleted', deleted_at = now(), updated_at = now()`;
    const filter_criteria = { modified_since: first.result?.sync_timestamp };
    expect(await sync({ ...of, filter_criteria })).toMatchObject({
      status: 'failed',
      error: {
        code: 'deletion_guard',
        message: expect.stringContaining('delete 20 of 20 users in the application'),
      },
    });
    expect(await usersLeft()).toBe(20);
    expect(await sync({ ...of, filter_criteria, confirm: true })).toMatchObject({ result: { deleted: 20 } });
    expect(await usersLeft()).toBe(0);
  });

  it('stops no sync by time where it is a small share of all users', async () => {
    await addUsers(20);
    const first = await sync();
    await databases.platform
      .sql`update accounts set status = 'deleted', deleted_at = now(), updated_at = now() where username = 'u1'`;
    const filter_criteria = { modified_since: first.result?.sync_timestamp };
    expect(await sync({ direction: 'bidirectional', filter_criteria })).toMatchObject({
      status: 'succeeded',
      result: { deleted: 1, in_sync: true },
    });
  });
});

describe('a table from which Muster may not delete', () => {
  beforeEach(async () => {
    await addUsers(20);
    await sync();
    await databases.platform
      .sql`update accounts set status = 'deleted', deleted_at = now() where username in ('u1', 'u2')`;
  });
  afterEach(async () => {
    await databases.application.sql`grant delete on carts, sessions to muster_test_data`;
    await databases.application.sql`delete from carts`;
  });

  it('keeps those users only to whom its rows refer', async () => {
    await databases.application.sql`revoke delete on carts from muster_test_data`;
    await databases.application.sql`insert into carts (user_id) select id from users where username = 'u1'`;
    const { result } = await sync({ direction: 'pull' });
    expect(result).toMatchObject({
      deleted: 1,
      errors: [{ code: 'refused_by_application', username: 'u1' }],
    });
    expect(await usersLeft()).toBe(19);
  });

  it('keeps all of them where a deletion would cascade into it', async () => {
    await databases.application.sql`revoke delete on sessions from muster_test_data`;
    const { result } = await sync({ direction: 'pull' });
    expect(result).toMatchObject({ deleted: 0, failed_count: 2 });
    const message = expect.stringMatching(/rows of sessions, which Muster may not delete, would go with it/);
    expect(result?.errors).toEqual(
      ['u1', 'u2'].map(username =>
        expect.objectContaining({ code: 'refused_by_application', username, message }),
      ),
    );
    expect(await usersLeft()).toBe(20);
  });
});

describe('an account that left the filter', () => {
  it.each([
    ['the built-in pool', 'load_tester'],
    ['another Muster', 'peer'],
  ])('in %s deletes nobody in the application, and is not overwritten', async (_place, kind) => {
    const target = kind === 'peer' ? peer() : 'load_tester';
    const { platform } = kind === 'peer' ? other : databases;
    await addUsers(20);
    await sync({ target, direction: 'bidirectional' });
    await platform.sql`update accounts set test_batch_id = ${newId()}, updated_at = now() where username = 'u1'`;
    await platform.sql`update accounts set is_test_user = false, updated_at = now() where username = 'u2'`;
    for (const direction of ['pull', 'bidirectional']) {
      const { result } = await sync({ target, direction, filter_criteria: { batch_id: batchId } });
      expect(result).toMatchObject({ deleted: 0, created: 0, updated: 0, failed_count: 2, in_sync: false });
      expect(result?.errors.map(({ username, code }) => [username, code]).sort()).toEqual([
        ['u1', 'not_writable'],
        ['u2', 'production_user'],
      ]);
    }
    expect(await usersLeft()).toBe(20);
    expect(await sync({ target })).toMatchObject({ result: { updated: 2, in_sync: true } });
  });
});

it('numbers of custom attributes that JavaScript would write otherwise pass from one database to the other', async () => {
  const { application, platform } = databases;
  const exact = '{"big": 12345678901234567890, "price": 1.50}';
  await addUsers(2);
  await sync();
  await application.sql`update users set custom_attributes = ${exact}::text::jsonb`;
  expect(await sync()).toMatchObject({ result: { updated: 2, in_sync: true } });
  await platform.sql`update accounts set role = 'theirs', updated_at = now() where username = 'u1'`;
  expect(await sync({ direction: 'bidirectional' })).toMatchObject({ result: { updated: 1, in_sync: true } });
  const kept =
    await application.sql`select role, custom_attributes::text as attributes from users order by username`;
  expect([...kept]).toEqual([
    { role: 'theirs', attributes: exact },
    { role: 'user', attributes: exact },
  ]);
});

it('numbers of custom attributes pass between two Musters as they are written, there and back', async () => {
  const { application } = databases;
  const written = '{"d": 1.10, "n": 12345678901234567890, "all": [0.0, 100]}';
  await addUsers(2);
  await application.sql`update users set custom_attributes = ${written}::text::jsonb`;
  const both = { target: peer(), direction: 'bidirectional' };
  expect(await sync(both)).toMatchObject({ result: { created: 2, in_sync: true } });
  expect([...(await other.platform.sql`select custom_attributes::text as attributes from accounts`)]).toEqual(
    [{ attributes: written }, { attributes: written }],
  );
  expect(await sync(both)).toMatchObject({ result: { unchanged: 2, in_sync: true } });

  await other.platform.sql`
    update accounts set custom_attributes = custom_attributes || '{"d": 2.20}', updated_at = now() + interval '1 s'`;
  expect(await sync(both)).toMatchObject({ result: { updated: 2, in_sync: true } });
  const attributes = written.replace('1.10', '2.20');
  expect([...(await application.sql`select custom_attributes::text as attributes from users`)]).toEqual([
    { attributes },
    { attributes },
  ]);
});

it('a push of a batch sends its users, whichever case its id is written in', async () => {
  await addUsers(10);
  const batch_id = batchId.toUpperCase();
  expect(await sync({ filter_criteria: { batch_id } })).toMatchObject({ result: { created: 10 } });
  await databases.application.sql`update users set role = 'changed'`;
  expect(await sync({ filter_criteria: { batch_id } })).toMatchObject({
    result: { updated: 10, deleted: 0, in_sync: true },
  });
});

it('a change in the pool that was committed late is seen by a sync by time', async () => {
  await addUsers(3);
  const first = await sync();
  await databases.platform
    .sql`update accounts set role = 'late', updated_at = '2020-01-01' where username = 'u1'`;
  const filter_criteria = { modified_since: first.result?.sync_timestamp };
  expect(await sync({ direction: 'bidirectional', filter_criteria })).toMatchObject({
    result: { updated: 1, in_sync: true },
  });
});

describe('what the other side cannot hold', () => {
  afterEach(() => databases.platform.sql`alter table accounts drop constraint if exists poison`);

  it.each([
    ['a first sync', 0],
    ['a later one', 1],
  ])('ends %s with the reason', async (_case, known) => {
    await addUsers(known);
    await sync();
    await databases.application.sql`delete from users`;
    await addUsers(5);
    await databases.platform.sql`alter table accounts add constraint poison check (username <> 'u3')`;
    const { status, result } = await sync();
    expect({ status, result }).toMatchObject({
      result: { success: false, created: 0, failed_count: 5 - known, in_sync: false, sync_timestamp: null },
    });
    expect(result?.errors).toMatchObject([
      { kind: 'format', code: 'chunk_refused', message: expect.stringContaining('poison') },
    ]);
  });

  it('is no field without a value: nobody is deleted for that', async () => {
    await addUsers(3);
    await sync();
    await databases.application.sql`alter table users alter email drop not null, alter role drop not null`;
    await databases.application.sql`update users set email = null, role = null where username = 'u1'`;
    expect(await sync({ confirm: true })).toMatchObject({
      result: { updated: 1, deleted: 0, in_sync: true },
    });
  });
});

it('a push with passwords needs no more than an operator of the other Muster where users conflict', async () => {
  const { token } = await createApiKey(other.platform.db, { name: 'x', role: 'operator', createdBy: 'x' });
  const target = { ...peer(), api_key: token };
  await addUsers(3);
  await sync({ target });
  await databases.application.sql`update users set role = 'ours' where username = 'u1'`;
  await other.platform.sql`update accounts set role = 'theirs', updated_at = now() where username = 'u1'`;
  expect(await sync({ target, conflict_policy: 'application' })).toMatchObject({
    status: 'succeeded',
    result: { updated: 1, conflicts: 1, in_sync: true },
  });
});
