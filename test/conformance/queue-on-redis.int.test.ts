import { Redis } from 'ioredis';
import { testDatabases } from '../fixtures/database.ts';
import { redisStore } from '../fixtures/queue.ts';
import { describeQueue } from './queue.conformance.ts';

const databases = testDatabases();
const redisUrl = process.env.TEST_REDIS_URL;
const store = redisStore(databases, redisUrl ?? 'redis://none');
const describeHere = redisUrl === undefined ? describe.skip : describe;

describeHere('on Redis', () => {
  describeQueue(databases, { ...store, wipe: removeKeys });
  afterAll(removeKeys);
});

/** All at once, as FLUSHALL would, but of this file only: the server is shared. */
async function removeKeys(): Promise<void> {
  const redis = new Redis(store.redisUrl ?? '');
  const keys = await redis.keys(`${store.prefix}*`);
  if (keys.length > 0) await redis.del(...keys);
  redis.disconnect();
}
