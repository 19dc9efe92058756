import { cleanUpOperation } from '../../shared/http/bulk-lifecycle.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { testDatabases } from '../fixtures/database.ts';
import { postgresStore } from '../fixtures/queue.ts';
import { shortLocks, testStack } from '../fixtures/stack.ts';
import { slowDown } from './slow-application.ts';

const databases = testDatabases();
const stack = testStack({ databases, store: () => postgresStore(databases), settings: shortLocks });
beforeAll(() => slowDown(databases.application.sql, 'delete', 250));

it('a cleanup whose worker was killed in the middle deletes each user once, and no other row', async () => {
  const { sql } = databases.application;
  const batch = await stack.submit(400, { batch_size: 4 });
  await stack.untilEnded(batch);
  await sql`insert into users (username, email, password_hash) values ('ada', 'ada@shop.jp', 'x')`;
  const left = async () => {
    const [row] = await sql<{ users: number }[]>`select count(*)::int as users from users where is_test_user`;
    return row?.users ?? 0;
  };

  const { id: jobId } = await stack.client.submit(cleanUpOperation, { body: { batch_id: batch.batchId } });
  await waitFor('the middle of the cleanup', async () => (await left()) < 400, {
    timeoutMs: 30_000,
    intervalMs: 5,
  });
  await stack.killWorker(await stack.workerOf({ jobId }));
  const [ledger] = await sql<{ users: number }[]>`
    select sum(created_count)::int as users from muster.bulk_chunks where status = 'cleaned'`;
  expect(await left()).toBeGreaterThan(0);
  expect(ledger?.users).toBeGreaterThan(0);

  const job = await stack.untilEnded({ jobId });
  expect(job).toMatchObject({
    status: 'succeeded',
    result: { deleted_count: 400, tables: { users: 400 }, cleaned_up_count: 1 },
  });
  const rows = await sql`select username from users`;
  expect(rows.map(row => row.username)).toEqual(['ada']);
});
