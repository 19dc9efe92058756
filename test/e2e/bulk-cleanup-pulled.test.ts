import { syncResultSchema } from '../../shared/contracts/user-sync.ts';
import { listCleanupCandidatesOperation } from '../../shared/http/bulk-lifecycle.ts';
import { newId } from '../../shared/kernel/ids.ts';
import { bodyOf, problemOf, testApi } from '../fixtures/api.ts';
import { bulkBatches } from '../fixtures/bulk-batches.ts';
import { testDatabases } from '../fixtures/database.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

const databases = testDatabases();
const store = postgresStore(databases);
const api = testApi(databases, { QUEUE_PREFIX: store.prefix });
const { batchOf, cleanUp, made, run, usersOf } = bulkBatches(api, databases);
let worker: RunningWorker;

beforeAll(async () => {
  worker = await runWorker(databases, store);
});
afterAll(() => worker.stop());

async function sync(request: object) {
  const done = await run('POST', '/api/bulk-users/sync', { target: 'load_tester', ...request });
  return syncResultSchema.parse(done.result);
}

const candidates = async (query = '') => {
  const path = `/api/bulk-users/lifecycle/cleanup-candidates?older_than_days=0${query}`;
  return bodyOf(await api.call('GET', path), listCleanupCandidatesOperation.responses[200].schema);
};

const deletionOf = async (batchId: string) => {
  const response = await api.call('DELETE', `/api/bulk-users/batches/${batchId}`);
  return [response.status, (await problemOf(response)).code];
};

/** Has the load tester's users of a batch come into the application, where nobody made it. */
async function pulled(count: number): Promise<string> {
  const test_batch_id = newId();
  const names = Array.from({ length: count }, (_, n) => `p${test_batch_id.slice(-12)}_${n}@load.invalid`);
  const users = names.map(username => ({ username, email: username, role: 'user', test_batch_id }));
  expect((await api.call('POST', '/api/users/import', { json: { users } })).status).toBe(200);
  expect(await sync({ direction: 'pull', filter_criteria: { batch_id: test_batch_id } })).toMatchObject({
    created: count,
  });
  return test_batch_id;
}

it('users whom a sync brought are cleaned up by the id of their batch, which nobody made here', async () => {
  const batchId = await pulled(3);
  expect(await candidates()).toMatchObject({
    items: [{ batch_id: batchId, status: null, total_requested: null, users: 3 }],
  });
  expect(await cleanUp({ batch_id: batchId, dry_run: true })).toMatchObject({
    result: { deleted_count: 3, batches: [{ status: 'planned', comparison: { recorded: 3, present: 3 } }] },
  });
  expect(await run('DELETE', `/api/bulk-users/batches/${batchId}`)).toMatchObject({
    status: 'succeeded',
    result: { deleted_count: 3, cleaned_up_count: 1, batches: [{ status: 'cleaned_up', deleted: 3 }] },
  });
  expect([await usersOf(batchId), await deletionOf(batchId)]).toEqual([0, [404, 'not_found']]);
  const deeds = await databases.platform.sql`
    select detail->>'deleted' as deleted from audit_log
    where subject = ${batchId} and action = 'bulk-users.cleaned-up'`;
  expect([...deeds]).toEqual([{ deleted: '3' }]);
});

it('users whom a sync brings back after a cleanup are cleaned up again', async () => {
  const batchId = await made(5);
  await sync({ direction: 'push', filter_criteria: { batch_id: batchId } });
  await run('DELETE', `/api/bulk-users/batches/${batchId}`);
  await sync({ direction: 'pull', filter_criteria: { batch_id: batchId } });
  expect(await usersOf(batchId)).toBe(5);
  await databases.application.sql`
    insert into users (username, email, password_hash, is_test_user, test_batch_id, created_by_bulk)
    values ('forged', 'forged@shop.jp', 'x', true, ${batchId}, true)`;
  expect(await run('DELETE', `/api/bulk-users/batches/${batchId}`)).toMatchObject({
    status: 'failed',
    error: { code: 'ledger_mismatch' },
    result: { deleted_count: 0, tables: {}, batches: [{ status: 'refused', deleted: 0 }] },
  });
  await databases.application.sql`delete from users where username = 'forged'`;
  expect(await run('DELETE', `/api/bulk-users/batches/${batchId}`)).toMatchObject({
    status: 'succeeded',
    progress: { done: 5, total: 5 },
    result: { deleted_count: 5, tables: { users: 5 }, cleaned_up_count: 1 },
  });
  const deeds = await databases.platform.sql`
    select detail->>'deleted' as deleted from audit_log
    where subject = ${batchId} and action = 'bulk-users.cleaned-up' order by id`;
  expect([...deeds]).toEqual([{ deleted: '5' }, { deleted: '5' }]);
  expect([await usersOf(batchId), await deletionOf(batchId)]).toEqual([0, [409, 'batch_cleaned_up']]);
  expect(await batchOf(batchId)).toMatchObject({ status: 'cleaned_up', workers: [{ users: 5 }] });
});

it('a cleanup by age takes them by when they came, and nobody that another Muster made', async () => {
  const { sql } = databases.application;
  const [young, old, ours] = [await pulled(2), await pulled(2), await made(2)];
  await sql`update muster.bulk_chunks set finished_at = now() - interval '40 days' where batch_id = ${old}`;
  await sql`insert into muster.bulk_chunks (batch_id, chunk_index, first_id, size, status, created_count, user_keys, started_at, finished_at)
    values (${newId()}, 0, 1, 1, 'done', 1, array[gen_random_uuid()::text], now(), now() - interval '40 days')`;
  expect((await candidates()).items.map(({ batch_id }) => batch_id)).toEqual([old, young, ours]);
  const first = await candidates('&limit=1');
  const second = await candidates(`&limit=2&cursor=${first.next_cursor}`);
  expect(second.items.map(({ batch_id }) => batch_id)).toEqual([young, ours]);
  expect(await cleanUp({ older_than_days: 30, confirm: true })).toMatchObject({
    status: 'succeeded',
    result: { batch_count: 1, deleted_count: 2, batches: [{ batch_id: old }] },
  });
  expect([await usersOf(old), await usersOf(young), await usersOf(ours)]).toEqual([0, 2, 2]);
});

it('one whose users a later sync has deleted keeps no cleanup by age from its work', async () => {
  const [emptied, ours] = [await pulled(2), await made(2)];
  await databases.platform.sql`
    update accounts set status = 'deleted', deleted_at = now(), updated_at = now() where test_batch_id = ${emptied}`;
  const pull = { direction: 'pull', filter_criteria: { batch_id: emptied }, confirm: true };
  expect(await sync(pull)).toMatchObject({ deleted: 2 });
  await databases.application.sql`
    update muster.bulk_chunks set finished_at = now() - interval '40 days' where batch_id = ${emptied}`;
  await databases.platform.sql`
    update bulk_user_batches set created_at = now() - interval '40 days' where id = ${ours}`;
  expect(await cleanUp({ older_than_days: 30, dry_run: true })).toMatchObject({
    result: { batch_count: 2, deleted_count: 2, refused_count: 0 },
  });
  expect(await cleanUp({ older_than_days: 30, confirm: true })).toMatchObject({
    status: 'succeeded',
    result: { deleted_count: 2, cleaned_up_count: 2, refused_count: 0 },
  });
  expect(await usersOf(ours)).toBe(0);
  expect((await candidates()).items.map(({ batch_id }) => batch_id)).not.toContain(emptied);
});
