import { testDatabases } from '../fixtures/database.ts';
import { describeEachBackend } from '../fixtures/queue.ts';
import { shortLocks, testStack } from '../fixtures/stack.ts';
import { inspect, rounds, untilMiddle, whole } from './batch.ts';
import { slowDown } from './slow-application.ts';

const databases = testDatabases();
beforeAll(() => slowDown(databases.application.sql, 'insert', 40));

describeEachBackend(databases, store => {
  const stack = testStack({ databases, store: () => store, settings: shortLocks });

  test.each(rounds())(
    'a batch is whole after its worker was killed in the middle (round %i)',
    async round => {
      const batch = await stack.submit(20_000, { batch_size: 250 });
      await untilMiddle(stack, batch);
      const conducting = await stack.workerOf(batch);
      const others = stack.workers.filter(worker => worker !== conducting);
      const [victim = conducting] = round % 2 === 1 ? [conducting] : others;
      await stack.killWorker(victim);
      await stack.startWorker();
      await expect(inspect(stack, batch)).resolves.toEqual(whole(batch, 20_000, 250));
    },
  );
});
