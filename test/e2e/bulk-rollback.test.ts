import { bulkUsersCreate } from '../../shared/contracts/bulk-users.ts';
import { job } from '../../shared/http/jobs.ts';
import { newId } from '../../shared/kernel/ids.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { slowDown } from '../faults/slow-application.ts';
import { bodyOf, testApi } from '../fixtures/api.ts';
import { bulkBatches } from '../fixtures/bulk-batches.ts';
import { testDatabases } from '../fixtures/database.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

const databases = testDatabases();
const store = postgresStore(databases);
const api = testApi(databases, { QUEUE_PREFIX: store.prefix });
const { batchOf, cleanUp, ended, submit, usersOf } = bulkBatches(api, databases);
let worker: RunningWorker;

beforeAll(async () => {
  worker = await runWorker(databases, store);
  await databases.application.sql`create table referrals (by_user uuid not null references users (id))`;
});
afterAll(() => worker.stop());

/**
 * A batch of two chunks of ten under `on_error: rollback`, whose fifteenth user cannot be made. Until it is known that
 * the name stays taken, the second chunk waits: `meanwhile` has the ten users of the first.
 */
async function rollBack(meanwhile: (batchId: string) => Promise<unknown>) {
  const test_batch_id = newId();
  const username_pattern = `r${test_batch_id.slice(-12)}_{id}@load.invalid`;
  const config = { test_batch_id, username_pattern, batch_size: 10, on_error: 'rollback' };
  const creation = await databases.application.sql.begin(async tx => {
    await tx`insert into users (username, email, password_hash)
      values (${username_pattern.replace('{id}', '15')}, ${`${test_batch_id}@shop.jp`}, 'x')`;
    const submitted = await submit('POST', '/api/bulk-users/create', { count: 20, config });
    await waitFor('the first chunk', async () => (await usersOf(test_batch_id)) === 10);
    await meanwhile(test_batch_id);
    return submitted;
  });
  return { batchId: test_batch_id, job: await ended(creation) };
}

it('counts whom it removed, not whom the application had removed before', async () => {
  const { batchId, job } = await rollBack(
    id => databases.application.sql`
      delete from users where id in (select id from users where test_batch_id = ${id} limit 3)`,
  );
  expect(job).toMatchObject({
    status: 'failed',
    error: { code: 'rolled_back', message: '1 of 20 users failed; the 16 created were removed again' },
    progress: { phase: 'rolling back', done: 19, total: 19 },
    result: { successful_count: 0, failed_count: 1, rolled_back_count: 16 },
  });
  expect(await usersOf(batchId)).toBe(0);
});

it('keeps the chunk to whose user a row of somebody else refers, and a cleanup removes it later', async () => {
  const { sql } = databases.application;
  const { batchId, job } = await rollBack(
    id => sql`insert into referrals select id from users where test_batch_id = ${id} limit 1`,
  );
  expect(job).toMatchObject({
    status: 'failed',
    error: { code: 'still_referenced', message: expect.stringContaining('9 of those created were removed') },
    result: { successful_count: 10, rolled_back_count: 9, rollback_refusal: { code: 'still_referenced' } },
  });
  expect(await usersOf(batchId)).toBe(10);
  expect(await batchOf(batchId)).toMatchObject({ status: 'failed', successful_count: 10 });
  await sql`delete from referrals`;
  expect(await cleanUp({ batch_id: batchId })).toMatchObject({
    status: 'succeeded',
    result: { deleted_count: 10, cleaned_up_count: 1 },
  });
});

it('is done again in full by a retry once the name is free', async () => {
  const { batchId, job: failed } = await rollBack(async () => undefined);
  await databases.application.sql`delete from users where email = ${`${batchId}@shop.jp`}`;
  const retried = await ended(await submit('POST', `/api/jobs/${failed.id}/retry`));
  expect(retried).toMatchObject({ status: 'succeeded', result: { successful_count: 20 } });
  expect([await usersOf(batchId), (await batchOf(batchId)).rolled_back_count]).toEqual([20, 0]);
});

it('is not what a retry ends with that was cancelled, when its worker dies before it has said so', async () => {
  const { batchId, job: failed } = await rollBack(async () => undefined);
  const { sql } = databases.platform;
  await databases.application.sql`delete from users where email = ${`${batchId}@shop.jp`}`;
  await sql`
    update bulk_user_batches set config = config || '{"creation_interval_ms": 60000}' where id = ${batchId}`;
  await submit('POST', `/api/jobs/${failed.id}/retry`);
  await waitFor('the first chunk', async () => (await usersOf(batchId)) === 10);
  await api.call('POST', `/api/jobs/${failed.id}/cancel`);
  expect((await ended(failed)).status).toBe('cancelled');
  await sql`update jobs set status = 'queued', result = null, finished_at = null where id = ${failed.id}`;
  await worker.queue.revive(bulkUsersCreate, { job_id: failed.id });
  expect(await ended(failed)).toMatchObject({ status: 'cancelled', result: { successful_count: 10 } });
  expect(await usersOf(batchId)).toBe(10);
});

/** Submits a batch of six chunks of ten under `on_error: rollback`, whose fiftieth user cannot be made. */
async function failing() {
  const id = newId();
  const username_pattern = `r${id.slice(-12)}_{id}@load.invalid`;
  await databases.application.sql`insert into users (username, email, password_hash)
    values (${username_pattern.replace('{id}', '50')}, ${`${id}@shop.jp`}, 'x')`;
  const config = { test_batch_id: id, username_pattern, batch_size: 10, on_error: 'rollback' };
  return { id, job: await submit('POST', '/api/bulk-users/create', { count: 60, config }) };
}

it('ends also when somebody cancels it, with true counts', async () => {
  const { sql } = databases.application;
  await slowDown(sql, 'delete', 1000);
  const { id: test_batch_id, job: creation } = await failing();
  const phase = async () =>
    (await bodyOf(await api.call('GET', `/api/jobs/${creation.id}`), job)).progress?.phase;
  await waitFor('the rollback', async () => (await phase()) === 'rolling back', { intervalMs: 10 });
  await api.call('POST', `/api/jobs/${creation.id}/cancel`);
  expect(await ended(creation)).toMatchObject({
    status: 'failed',
    error: { code: 'rolled_back' },
    result: { successful_count: 0 },
  });
  expect([await usersOf(test_batch_id), (await batchOf(test_batch_id)).successful_count]).toEqual([0, 0]);
  await sql.unsafe('drop trigger slow_delete on users');
});

it('goes on after a fault that passes, also when somebody has cancelled it meanwhile', async () => {
  const { sql } = databases.application;
  await sql.unsafe(`
    create function fault() returns trigger language plpgsql as
      $$ begin raise exception 'not now' using errcode = '40001'; end $$;
    create trigger faults before delete on users for each statement execute function fault()`);
  const { id: test_batch_id, job: creation } = await failing();
  const found = async () => bodyOf(await api.call('GET', `/api/jobs/${creation.id}`), job);
  /** Another try that came to grief: the job waits for the next one, or has ended. */
  const tried = (before: number) =>
    waitFor(
      'a try that fails',
      async () => {
        const { status, attempts, finished_at } = await found();
        return finished_at !== null || (status === 'queued' && attempts > before);
      },
      { timeoutMs: 20_000, intervalMs: 10 },
    );
  await tried(0);
  const { attempts } = await found();
  await api.call('POST', `/api/jobs/${creation.id}/cancel`);
  await tried(attempts);
  await sql`drop trigger faults on users`;
  expect(await ended(creation)).toMatchObject({ status: 'failed', error: { code: 'rolled_back' } });
  expect([await usersOf(test_batch_id), (await batchOf(test_batch_id)).successful_count]).toEqual([0, 0]);
});
