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

  test.each(rounds())('a batch is whole after Postgres was restarted in the middle (round %i)', async () => {
    const batch = await stack.submit(20_000, { batch_size: 250 });
    await untilMiddle(stack, batch);
    await databases.server.restart();
    await expect(inspect(stack, batch)).resolves.toEqual(whole(batch, 20_000, 250));
  });

  test.each(rounds())('a batch is whole after Postgres crashed in the middle (round %i)', async () => {
    const batch = await stack.submit(20_000, { batch_size: 250 });
    await untilMiddle(stack, batch);
    await databases.server.kill();
    await databases.server.restart();
    await expect(inspect(stack, batch)).resolves.toEqual(whole(batch, 20_000, 250));
  });
});
