import { testDatabases } from '../fixtures/database.ts';
import { redisStore } from '../fixtures/queue.ts';
import { shortLocks, testStack } from '../fixtures/stack.ts';
import { redisProgram, startRedis, type TestRedis } from '../servers/redis.ts';
import { inspect, whole } from './batch.ts';

const databases = testDatabases();
const describeWithRedis = redisProgram() === undefined ? describe.skip : describe;

/** Twice what a process waits for an answer of Redis: the machine may be busy. */
const soonMs = 10_000;

describeWithRedis('with a Redis that stands still', () => {
  let redis: TestRedis | undefined;
  const server = (): TestRedis => {
    if (redis === undefined) throw new Error('There is no Redis');
    return redis;
  };
  beforeAll(async () => {
    redis = await startRedis();
  });
  const store = redisStore(databases, 'redis://not-yet');
  const stack = testStack({
    databases,
    store: () => ({ ...store, redisUrl: server().url }),
    settings: shortLocks,
  });
  afterAll(async () => {
    server().thaw(); // else it could not be stopped
    await server().stop();
  });

  test('a submission is answered within seconds, and done once Redis goes on', async () => {
    server().freeze();
    const askedAt = performance.now();
    const batch = await stack.submit(500, { batch_size: 250 });
    expect(performance.now() - askedAt).toBeLessThan(soonMs);
    server().thaw();
    await expect(inspect(stack, batch)).resolves.toEqual(whole(batch, 500, 250));
  });
});
