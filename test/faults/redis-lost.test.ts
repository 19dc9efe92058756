import { Redis } from 'ioredis';
import { bulkUsersRetention } from '../../shared/contracts/bulk-cleanup.ts';
import { userSyncTick } from '../../shared/contracts/user-sync.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { createLogger } from '../../shared/platform/log.ts';
import { openQueueBackend } from '../../shared/platform/queue/backend.ts';
import { createQueueClient } from '../../shared/platform/queue/client.ts';
import type { QueueStoreOptions } from '../../shared/platform/queue/seam.ts';
import { testDatabases } from '../fixtures/database.ts';
import { redisStore } from '../fixtures/queue.ts';
import { shortLocks, testStack } from '../fixtures/stack.ts';
import { redisProgram, startRedis, type TestRedis } from '../servers/redis.ts';
import { inspect, rounds, untilMiddle, whole } from './batch.ts';
import { slowDown } from './slow-application.ts';

const databases = testDatabases();
beforeAll(() => slowDown(databases.application.sql, 'insert', 40));

const describeWithRedis = redisProgram() === undefined ? describe.skip : describe;

describeWithRedis.each([
  { kept: 'nothing', appendonly: false },
  { kept: 'everything', appendonly: true },
])('with a Redis that keeps $kept', ({ appendonly }) => {
  let redis: TestRedis | undefined;
  const server = (): TestRedis => {
    if (redis === undefined) throw new Error('There is no Redis');
    return redis;
  };
  beforeAll(async () => {
    redis = await startRedis({ appendonly });
  });
  const store = redisStore(databases, 'redis://not-yet');
  const stack = testStack({
    databases,
    store: () => ({ ...store, redisUrl: server().url }),
    settings: shortLocks,
  });
  afterAll(() => redis?.stop());

  test.each(rounds())(
    'a batch is whole after Redis died in the middle and came back (round %i)',
    async () => {
      const batch = await stack.submit(20_000, { batch_size: 250 });
      await untilMiddle(stack, batch);
      await server().kill();
      await server().restart();
      await expect(inspect(stack, batch)).resolves.toEqual(whole(batch, 20_000, 250));
    },
  );

  if (appendonly) return;
  test.each(rounds())(
    'a batch is whole after a FLUSHALL in the middle, and the schedules go on (round %i)',
    async () => {
      const batch = await stack.submit(20_000, { batch_size: 250 });
      await untilMiddle(stack, batch);
      const client = new Redis(server().url);
      await client.flushall();
      client.disconnect();
      await untilScheduled({ ...store, redisUrl: server().url });
      await expect(inspect(stack, batch)).resolves.toEqual(whole(batch, 20_000, 250));
    },
  );
});

/** Resolves when the next moment of each schedule has a job. */
async function untilScheduled(store: QueueStoreOptions): Promise<void> {
  const logger = createLogger('test', { level: 'silent' });
  const backend = await openQueueBackend({ ...store, name: 'test', logger });
  const schedules = [userSyncTick, bulkUsersRetention];
  const queue = createQueueClient(backend, schedules);
  const isScheduled = async () => {
    const counts = await queue.counts();
    return schedules.every(({ name }) => counts[name]?.delayed === 1);
  };
  await waitFor('the schedules', isScheduled, { timeoutMs: 30_000 });
  await queue.stop();
  await backend.stop();
}
