import { job } from '../../shared/http/jobs.ts';
import { newId } from '../../shared/kernel/ids.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { requeueJob } from '../../shared/store/jobs/jobs.ts';
import { slowDown } from '../faults/slow-application.ts';
import { bodyOf, testApi } from '../fixtures/api.ts';
import { bulkBatches } from '../fixtures/bulk-batches.ts';
import { testDatabases } from '../fixtures/database.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { type RunningWorker, runWorker } from '../fixtures/worker.ts';

const databases = testDatabases();
const store = postgresStore(databases);
const api = testApi(databases, { QUEUE_PREFIX: store.prefix });
const { batchOf, cleanUp, ended, made, run, submit, usersOf } = bulkBatches(api, databases);
let worker: RunningWorker;

beforeAll(async () => {
  worker = await runWorker(databases, store);
});
afterAll(() => worker.stop());

it('a cleanup that was cancelled goes on where it stopped, with true counts', async () => {
  const batchId = await made(400, { batch_size: 4 });
  await slowDown(databases.application.sql, 'delete', 300);
  const response = await api.call('DELETE', `/api/bulk-users/batches/${batchId}`);
  const cleanup = await bodyOf(response, job);
  await waitFor('the first users to go', async () => (await usersOf(batchId)) < 400, {
    timeoutMs: 30_000,
    intervalMs: 10,
  });
  await api.call('POST', `/api/jobs/${cleanup.id}/cancel`);
  const cancelled = await ended(cleanup);
  expect(cancelled.status).toBe('cancelled');
  const left = await usersOf(batchId);
  expect(left).toBeGreaterThan(0);
  expect(cancelled.result).toMatchObject({ deleted_count: 400 - left, cleaned_up_count: 0 });
  await databases.application.sql.unsafe('drop trigger slow_delete on users');
  expect(await cleanUp({ batch_id: batchId })).toMatchObject({
    status: 'succeeded',
    result: { deleted_count: 400, cleaned_up_count: 1 },
  });
  expect(await usersOf(batchId)).toBe(0);
});

it('a cleanup that is run again leaves a batch that is being created again meanwhile', async () => {
  const { sql } = databases.application;
  const test_batch_id = newId();
  const config = {
    test_batch_id,
    username_pattern: 'again_{id}',
    batch_size: 5,
    creation_interval_ms: 60_000,
  };
  const retry = (id: string) => submit('POST', `/api/jobs/${id}/retry`);
  const cancel = async ({ id }: { id: string }) => {
    await api.call('POST', `/api/jobs/${id}/cancel`);
    return (await ended({ id })).status;
  };
  const usersAre = (count: number) =>
    waitFor(`${count} users`, async () => (await usersOf(test_batch_id)) === count, { timeoutMs: 20_000 });
  const creation = await submit('POST', '/api/bulk-users/create', { count: 50, config });
  await usersAre(5);
  expect(await cancel(creation)).toBe('cancelled');

  await sql`insert into users (username, email, password_hash, is_test_user, test_batch_id, created_by_bulk)
    values ('forged', 'forged@shop.jp', 'x', true, ${test_batch_id}, true)`;
  const cleanup = await cleanUp({ batch_id: test_batch_id });
  expect(cleanup).toMatchObject({ status: 'failed', error: { code: 'ledger_mismatch' } });
  await sql`delete from users where username = 'forged'`;

  await retry(creation.id);
  await usersAre(10);
  expect(await ended(await retry(cleanup.id))).toMatchObject({
    status: 'failed',
    error: { code: 'conflict', message: expect.stringContaining('is still being created') },
  });
  expect(await usersOf(test_batch_id)).toBe(10);
  expect(await cancel(creation)).toBe('cancelled');
  expect(await ended(await retry(cleanup.id))).toMatchObject({
    status: 'succeeded',
    result: { deleted_count: 10, cleaned_up_count: 1 },
  });
});

it('a cleanup that is run again does not take a batch whose creation waits to be run again', async () => {
  const { sql } = databases.application;
  await sql`insert into users (username, email, password_hash) values ('waits_2', 'waits_2@shop.jp', 'x')`;
  const batchId = await made(4, { username_pattern: 'waits_{id}' });
  await sql`insert into users (username, email, password_hash, is_test_user, test_batch_id, created_by_bulk)
    values ('forged', 'forged@shop.jp', 'x', true, ${batchId}, true)`;
  const cleanup = await cleanUp({ batch_id: batchId });
  expect(cleanup).toMatchObject({ status: 'failed', error: { code: 'ledger_mismatch' } });
  await sql`delete from users where username = 'forged'`;

  const { job_id } = await batchOf(batchId);
  await requeueJob(databases.platform.db, job_id); // which no worker is told of,
  await databases.platform.sql`update jobs set created_at = now() where id = ${job_id}`; // nor looks for it so soon
  expect(await run('POST', `/api/jobs/${cleanup.id}/retry`)).toMatchObject({
    status: 'failed',
    error: { code: 'conflict', message: expect.stringContaining('is still being created') },
  });
  expect(await usersOf(batchId)).toBe(3);
});
