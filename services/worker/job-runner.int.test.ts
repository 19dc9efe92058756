import { bulkUsersCleanup } from '../../shared/contracts/bulk-cleanup.ts';
import { newId } from '../../shared/kernel/ids.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { findJob, insertJob, type JobRow, requeueJob } from '../../shared/store/jobs/jobs.ts';
import { testDatabases } from '../../test/fixtures/database.ts';
import { postgresStore } from '../../test/fixtures/queue.ts';
import { type RunningWorker, runWorker } from '../../test/fixtures/worker.ts';

const databases = testDatabases();
const { db, sql } = databases.platform;
let worker: RunningWorker;
beforeAll(async () => {
  worker = await runWorker(databases, postgresStore(databases));
});
afterAll(() => worker.stop());

const enqueue = (id: string) => worker.queue.revive(bulkUsersCleanup, { job_id: id });

const untilEnded = (id: string): Promise<JobRow> =>
  waitFor('the end of the job', async () => {
    const row = await findJob(db, id);
    return row?.finishedAt == null ? undefined : row;
  });

/** A job that workers took so many times, as if each had died of it. */
async function takenBefore(times: number): Promise<string> {
  const id = newId();
  const payload = { older_than_days: 30, dry_run: true };
  await insertJob(db, { id, kind: bulkUsersCleanup.name, payload, requestedBy: 'ada' });
  await sql`
    update jobs set status = 'running', worker = 'the dead', epoch = ${times}, attempts = ${times} where id = ${id}`;
  await enqueue(id);
  return id;
}

describe('a job whose workers died', () => {
  const most = bulkUsersCleanup.options.attempts + 25;

  it('is taken again up to its tries and 25 times more', async () => {
    expect(await untilEnded(await takenBefore(most - 1))).toMatchObject({ status: 'succeeded' });
  });

  it('fails the next time, and has all its tries again when it is retried', async () => {
    const id = await takenBefore(most);
    expect(await untilEnded(id)).toMatchObject({
      status: 'failed',
      error: { code: 'worker_died', message: expect.stringMatching(`taken ${most} times`) },
    });
    await requeueJob(db, id);
    await enqueue(id);
    expect(await untilEnded(id)).toMatchObject({ status: 'succeeded', attempts: 1 });
  });
});
