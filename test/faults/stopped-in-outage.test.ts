import { type TestDatabases, testDatabases } from '../fixtures/database.ts';
import { describeEachBackend } from '../fixtures/queue.ts';
import { testStack } from '../fixtures/stack.ts';
import { startTcpRelay, type TcpRelay } from '../fixtures/tcp-relay.ts';
import { untilMiddle } from './batch.ts';
import { slowDown } from './slow-application.ts';

const databases = testDatabases();
beforeAll(() => slowDown(databases.application.sql, 'insert', 40));

describeEachBackend(databases, store => {
  let relay: TcpRelay;
  const behindRelay: TestDatabases = {
    ...databases,
    get platformUrl() {
      return relay.url;
    },
  };
  beforeAll(async () => {
    relay = await startTcpRelay(databases.platformUrl);
  });
  const stack = testStack({
    databases: behindRelay,
    store: () => ({ ...store, databaseUrl: relay.url }),
    settings: { SHUTDOWN_TIMEOUT_MS: '6000' },
  });
  afterAll(() => relay.stop());

  test('api and workers that are told to stop end by themselves although Postgres stands still', async () => {
    await untilMiddle(stack, await stack.submit(20_000, { batch_size: 250 }));
    const { processes } = stack;
    relay.freeze();
    for (const process of processes) process.signal('SIGTERM');
    const ends = await Promise.all(processes.map(({ ended }) => ended));
    expect(ends).toEqual(['exit 1', 'exit 1', 'exit 1']);
  });
});
