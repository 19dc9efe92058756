import { ownPostgres } from '../fixtures/own-postgres.ts';
import { describeEachBackend } from '../fixtures/queue.ts';
import { shortLocks, testStack } from '../fixtures/stack.ts';
import { inspect, rounds, untilMiddle, whole } from './batch.ts';
import { slowDown } from './slow-application.ts';

const databases = ownPostgres();
beforeAll(() => slowDown(databases.application.sql, 'insert', 40));

describeEachBackend(databases, store => {
  const storeNow = () => ({ ...store, databaseUrl: databases.platformUrl });
  const stack = testStack({ databases, store: storeNow, settings: shortLocks });

  async function expectWholeInTheSameProcesses(fault: () => Promise<void>): Promise<void> {
    const before = running();
    const batch = await stack.submit(20_000, { batch_size: 250 });
    await untilMiddle(stack, batch);
    await fault();
    await expect(inspect(stack, batch)).resolves.toEqual(whole(batch, 20_000, 250));
    expect(running()).toEqual(before); // the supervisor had nothing to do
  }
  const running = () =>
    stack.processes.filter(({ isRunning }) => isRunning()).map(({ name, pid }) => `${name} ${pid}`);

  test.each(rounds())('a batch is whole after Postgres was restarted in the middle (round %i)', () =>
    expectWholeInTheSameProcesses(() => databases.server.restart()),
  );

  test.each(rounds())('a batch is whole after Postgres crashed in the middle (round %i)', () =>
    expectWholeInTheSameProcesses(async () => {
      await databases.server.kill();
      await databases.server.restart();
    }),
  );
});
