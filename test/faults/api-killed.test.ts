import { waitFor } from '../../shared/kernel/time.ts';
import { testDatabases } from '../fixtures/database.ts';
import { postgresStore, redisStore } from '../fixtures/queue.ts';
import { shortLocks, testStack } from '../fixtures/stack.ts';
import { redisProgram, startRedis, type TestRedis } from '../servers/redis.ts';
import { inspect, whole } from './batch.ts';

/** An API that dies when a job's row is committed and its queue entry is not: the reconciler enqueues the job. */
const databases = testDatabases();

describe('on Postgres', () => {
  const stack = testStack({ databases, store: () => postgresStore(databases), settings: shortLocks });

  test('a job is done whose API was killed between the row and the enqueue', async () => {
    const { sql } = databases.platform;
    const submitting = await sql.begin(async tx => {
      await tx`lock table muster.job in access exclusive mode`; // the enqueue has to wait
      const answer = stack.submit(2000);
      answer.catch(() => {}); // never comes
      const enqueuing = await waitFor('the enqueue to wait', async () => {
        const rows = await sql<{ pid: number }[]>`
          select pid from pg_stat_activity where datname = current_database()
            and application_name = 'api:queue' and wait_event_type = 'Lock' and query not like '%pg_stat_activity%'`;
        return rows.length > 0 && (await openJob()) !== undefined && rows;
      });
      await stack.killApi();
      // A server goes on with a statement whose client is gone.
      await sql`select pg_terminate_backend(pid) from unnest(${enqueuing.map(({ pid }) => pid)}::int[]) as pid`;
      return openJob();
    });
    await stack.startApi();
    if (submitting === undefined) throw new Error('No job was written');
    await expect(inspect(stack, submitting)).resolves.toEqual(whole(submitting, 2000, 500));
  });
});

(redisProgram() === undefined ? describe.skip : describe)('on Redis', () => {
  let redis: TestRedis | undefined;
  beforeAll(async () => {
    redis = await startRedis();
  });
  const store = redisStore(databases, 'redis://not-yet');
  const stack = testStack({
    databases,
    store: () => ({ ...store, redisUrl: redis?.url }),
    settings: shortLocks,
  });
  afterAll(() => redis?.stop());

  test('a job is accepted without Redis, and done although its API was killed before Redis came back', async () => {
    await redis?.kill();
    const submission = await stack.submit(2000);
    await stack.killApi();
    await expect(openJob()).resolves.toEqual(submission);
    await redis?.restart();
    await stack.startApi();
    await expect(inspect(stack, submission)).resolves.toEqual(whole(submission, 2000, 500));
  });
});

/** The one job that nobody has taken. */
async function openJob(): Promise<{ jobId: string; batchId: string } | undefined> {
  const [row] = await databases.platform.sql<{ jobId: string; batchId: string }[]>`
    select jobs.id as "jobId", batches.id as "batchId"
    from jobs join bulk_user_batches batches on batches.job_id = jobs.id
    where jobs.status = 'queued' and jobs.enqueued_at is null`;
  return row && { ...row };
}
