import { job } from '../../../../shared/http/jobs.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import { waitFor } from '../../../../shared/kernel/time.ts';
import { findJob, type JobRow } from '../../../../shared/store/jobs/jobs.ts';
import { bodyOf, testApi } from '../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';
import { postgresStore } from '../../../../test/fixtures/queue.ts';
import { type RunningWorker, runWorker } from '../../../../test/fixtures/worker.ts';

const databases = testDatabases();
const { sql } = databases.application;
const api = testApi(databases, { QUEUE_PREFIX: postgresStore(databases).prefix });
const workers: RunningWorker[] = [];

async function startWorker(): Promise<RunningWorker> {
  const worker = await runWorker(databases, postgresStore(databases), { drainMs: 0 });
  workers.push(worker);
  return worker;
}
afterAll(() => Promise.all(workers.map(worker => worker.stop())));

async function create(count: number, config: Record<string, unknown>): Promise<string> {
  const json = { count, config };
  return (await bodyOf(await api.call('POST', '/api/bulk-users/create', { json }), job)).id;
}

const untilEnded = (id: string): Promise<JobRow> =>
  waitFor(
    'the end of the job',
    async () => {
      const row = await findJob(databases.platform.db, id);
      return row?.finishedAt == null ? undefined : row;
    },
    { timeoutMs: 60_000 },
  );

describe('a chunk', () => {
  it('that fails at each of its tries fails the batch, with what stood in its way', async () => {
    await sql.unsafe(`
      create function stubborn() returns trigger language plpgsql as
        $$ begin raise exception 'never mind' using errcode = '40001'; end $$;
      create trigger stubborn before insert on users
        for each row when (new.username like 'stubborn%') execute function stubborn()`);
    const { queue } = await startWorker();
    const ended = await untilEnded(await create(10, { username_pattern: 'stubborn_{id}@example.com' }));
    expect(ended).toMatchObject({
      status: 'failed',
      error: { code: 'internal_error', message: 'never mind' },
      result: { successful_count: 0 },
    });
    const jobs = await Promise.all(queue.bullQueues().map(of => of.getJobs()));
    const tries = jobs.flat().flatMap(({ stacktrace }) => stacktrace ?? []);
    expect(tries).toContainEqual(expect.stringContaining('never mind'));
    expect(tries.filter(text => text.includes('$argon2'))).toEqual([]); // no hash, for Bull Board shows it
  }, 60_000);

  it('that a stopping worker leaves in the middle of its hashes is done by another', async () => {
    const [first] = workers;
    const batchId = newId();
    const id = await create(100, {
      username_pattern: 'hashed_{id}@example.com',
      test_batch_id: batchId,
      distinct_passwords: 'all',
      batch_size: 100,
    });
    await waitFor('the chunk to be claimed', async () => {
      const [chunk] = await sql`
        select from muster.bulk_chunks where batch_id = ${batchId} and status = 'running'`;
      return chunk;
    });
    await Promise.all([first?.stop(), startWorker()]);
    expect(await untilEnded(id)).toMatchObject({ status: 'succeeded', result: { successful_count: 100 } });
  }, 60_000);
});
