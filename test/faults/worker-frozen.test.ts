import { testDatabases } from '../fixtures/database.ts';
import { describeEachBackend } from '../fixtures/queue.ts';
import { shortLocks, testStack } from '../fixtures/stack.ts';
import { inspect, untilMiddle, whole } from './batch.ts';
import { slowDown } from './slow-application.ts';

const databases = testDatabases();
// Long enough that a worker which is frozen at any time holds chunks, with their rows locked.
beforeAll(() => slowDown(databases.application.sql, 'insert', 200));

describeEachBackend(databases, store => {
  // On one of the two the locks are those of production: 15 s.
  const settings = store.kind === 'redis' ? {} : shortLocks;
  const stack = testStack({ databases, store: () => store, settings });

  test('a worker that is frozen for longer than its lock changes nothing when it goes on', async () => {
    const batch = await stack.submit(5000, { batch_size: 250 });
    await untilMiddle(stack, batch);
    const frozen = await stack.workerOf(batch);
    frozen.signal('SIGSTOP');
    const before = await inspect(stack, batch);
    expect(before).toEqual(whole(batch, 5000, 250));

    frozen.signal('SIGCONT');
    const next = await stack.submit(5000, { batch_size: 250 });
    await expect(inspect(stack, next)).resolves.toEqual(whole(next, 5000, 250));
    await expect(inspect(stack, batch)).resolves.toEqual(before);
  });
});
