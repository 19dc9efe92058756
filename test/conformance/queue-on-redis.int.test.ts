import { Redis } from 'ioredis';
import { testDatabases } from '../fixtures/database.ts';
import { redisProgram, startRedis, type TestRedis } from '../servers/redis.ts';
import { describeQueue } from './queue.conformance.ts';

/** A server of its own, since the tests empty it. */
const databases = testDatabases();
let redis: TestRedis | undefined;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis?.stop();
});

const here = redisProgram() === undefined ? describe.skip : describe;
here('on Redis', () => {
  describeQueue(databases, () => {
    const redisUrl = redis?.url ?? '';
    return { redisUrl, databaseUrl: databases.platformUrl, prefix: 'muster', wipe: () => flushAll(redisUrl) };
  });
});

async function flushAll(url: string): Promise<void> {
  const client = new Redis(url);
  await client.flushall();
  client.disconnect();
}
