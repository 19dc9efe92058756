import { z } from 'zod';
import { readJobEvents } from '../../shared/store/jobs/job-events.ts';
import { testDatabases } from '../fixtures/database.ts';
import { describeEachBackend } from '../fixtures/queue.ts';
import { testStack } from '../fixtures/stack.ts';
import { inspect, untilMiddle, whole } from './batch.ts';
import { slowDown } from './slow-application.ts';

const databases = testDatabases();
beforeAll(() => slowDown(databases.application.sql, 'insert', 40));

/** 5 s of it are kept for the end, so jobs are handed back after 100 ms: sooner than the batch is done. */
const stopMs = 5100;
const statusEvent = z.object({ status: z.string() });

describeEachBackend(databases, store => {
  // The locks are those of production: nobody could take the job over at once by waiting for one to run out.
  const settings = { SHUTDOWN_TIMEOUT_MS: String(stopMs) };
  const stack = testStack({ databases, store: () => store, settings });

  test('a worker that is told to stop in the middle of a batch exits 0 in time, and another goes on at once', async () => {
    const batch = await stack.submit(20_000, { batch_size: 250 });
    await untilMiddle(stack, batch);
    const stopping = await stack.workerOf(batch);
    const toldAt = performance.now();
    stopping.signal('SIGTERM');
    await expect(stopping.ended).resolves.toBe('exit 0');
    expect(performance.now() - toldAt).toBeLessThan(stopMs);
    await expect(inspect(stack, batch)).resolves.toEqual(whole(batch, 20_000, 250));
    expect(await gapsMs(batch.jobId)).toEqual([expect.any(Number)]);
    expect(Math.max(...(await gapsMs(batch.jobId)))).toBeLessThan(3000);
  });
});

/** How long the job was in nobody's hands, each time that it was handed back. */
async function gapsMs(jobId: string): Promise<number[]> {
  const events = await readJobEvents(databases.platform.db, jobId, 0);
  const statuses = events
    .filter(({ event }) => event === 'status')
    .map(({ data, createdAt }) => ({ ...statusEvent.parse(data), at: createdAt.getTime() }));
  const handedBack = statuses.slice(1).filter(({ status }) => status === 'queued');
  return handedBack.map(queued => (statuses[statuses.indexOf(queued) + 1]?.at ?? Infinity) - queued.at);
}
