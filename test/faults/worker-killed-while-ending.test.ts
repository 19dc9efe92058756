import { cancelJobOperation } from '../../shared/http/jobs.ts';
import { newId } from '../../shared/kernel/ids.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { testDatabases } from '../fixtures/database.ts';
import { describeEachBackend } from '../fixtures/queue.ts';
import { type Submission, shortLocks, testStack } from '../fixtures/stack.ts';
import { inspect, rounds, soundEvents, untilMiddle } from './batch.ts';
import { slowDown } from './slow-application.ts';

const databases = testDatabases();
const batch_size = 250;
const chunks = 32;
const users = chunks * batch_size;
beforeAll(async () => {
  await slowDown(databases.application.sql, 'insert', 40);
  await slowDown(databases.application.sql, 'delete', 1000);
});

describeEachBackend(databases, store => {
  const stack = testStack({ databases, store: () => store, settings: shortLocks });

  /** A batch of 32 chunks, the 20th of which has a user whose name is taken. */
  async function submitDoomed(): Promise<Submission> {
    const word = newId();
    await databases.application.sql`
      insert into users (username, email, password_hash)
      values (${`doomed_5000_${word}`}, ${`${word}@example.com`}, '-')`;
    const username_pattern = `doomed_{id}_${word}`;
    return stack.submit(users, { batch_size, username_pattern, on_error: 'rollback' });
  }

  test.each(rounds())('a cancelled batch keeps just what its ledger has (round %i)', async () => {
    // Chunks are handed out one by one: without a conductor the others cannot do them all.
    const batch = await stack.submit(users, { batch_size, creation_interval_ms: 120 });
    await untilMiddle(stack, batch);
    const conducting = await stack.workerOf(batch);
    await stack.client.submit(cancelJobOperation, { params: { id: batch.jobId } });
    await stack.killWorker(conducting);
    await stack.startWorker();
    const found = await inspect(stack, batch);
    const { done = 0, cancelled = 0 } = found.chunks;
    expect(done + cancelled).toBe(chunks);
    expect(cancelled).toBeGreaterThan(0);
    expect(found).toMatchObject({
      status: 'cancelled',
      result: { successful_count: done * batch_size, failed_count: 0, total_requested: users },
      users: done * batch_size,
      usernames: done * batch_size,
      ledger: { created: done * batch_size, failed: 0 },
      openJobs: 0,
      events: soundEvents,
    });
  });

  test('a rollback that is cut off is done by the next worker', async () => {
    const batch = await submitDoomed();
    await until('users to be deleted', usersAreBeingDeleted);
    const created = await countUsers(batch.batchId);
    await stack.killWorker(await stack.workerOf(batch));
    await stack.startWorker();
    await expect(inspect(stack, batch)).resolves.toEqual(rolledBack(batch, created));
  });

  test('a worker that dies after the rollback and before the end of its job leaves a true result', async () => {
    const batch = await submitDoomed();
    await until('users to be deleted', usersAreBeingDeleted);
    const created = await countUsers(batch.batchId);
    const { sql } = databases.platform;
    await sql.begin(async tx => {
      await tx`select from jobs where id = ${batch.jobId} for update`; // the job cannot be ended
      await until('the users to be gone', async () => (await countUsers(batch.batchId)) === 0);
      await stack.killWorker(await stack.workerOf(batch));
      // A server goes on with a statement whose client is gone: the dead worker would yet end its job.
      await sql`
        select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()
          and application_name = 'muster worker' and wait_event_type = 'Lock'`;
    });
    await stack.startWorker();
    await expect(inspect(stack, batch)).resolves.toEqual(rolledBack(batch, created));
  });
});

const until = (what: string, probe: () => Promise<boolean>) =>
  waitFor(what, probe, { timeoutMs: 30_000, intervalMs: 20 });

async function usersAreBeingDeleted(): Promise<boolean> {
  const rows = await databases.application.sql`
    select from pg_stat_activity where datname = current_database() and application_name = 'muster worker'
      and wait_event = 'PgSleep' and query ~* 'delete from \\S*users'`;
  return rows.length > 0;
}

async function countUsers(batchId: string): Promise<number> {
  const [row] = await databases.application.sql<{ users: number }[]>`
    select count(*)::int as users from users where test_batch_id = ${batchId}`;
  return row?.users ?? 0;
}

const rolledBack = ({ batchId }: Submission, created: number) => ({
  status: 'failed',
  result: {
    batch_id: batchId,
    total_requested: users,
    successful_count: 0,
    failed_count: 1,
    rolled_back_count: created,
    execution_time: expect.any(Number),
  },
  users: 0,
  usernames: 0,
  chunks: { rolled_back: chunks },
  ledger: { created: 0, failed: 1 },
  failures: 1,
  openJobs: 0,
  events: soundEvents,
});
