import { Redis } from 'ioredis';
import { waitFor } from '../../shared/kernel/time.ts';
import { testDatabases } from '../fixtures/database.ts';
import { redisStore } from '../fixtures/queue.ts';
import { describeQueue } from './queue.conformance.ts';
import { workbench } from './workbench.ts';

const databases = testDatabases();
const redisUrl = process.env.TEST_REDIS_URL;
const store = redisStore(databases, redisUrl ?? 'redis://none');
const describeHere = redisUrl === undefined ? describe.skip : describe;

describeHere('on Redis', () => {
  const wiped = { ...store, wipe: removeKeys };
  describeQueue(databases, wiped);
  const { queue } = workbench(wiped);
  afterAll(removeKeys);

  test('20,000 waiting jobs are looked at while others go on', async () => {
    const { contract, client } = await queue();
    const payloads = Array.from({ length: 20_000 }, (_, index) => ({ id: `task-${index}` }));
    await client.enqueueAll(contract, payloads);
    // A command that is not answered within five seconds rejects.
    await expect(Promise.all([client.reviveAll(contract, payloads), client.ping()])).resolves.toEqual([
      [],
      undefined,
    ]);
    await expect(client.reviveAll(contract, [{ id: 'task-0' }, { id: 'lost' }])).resolves.toEqual(['lost']);
  });

  test.each(['wait', 'delayed', 'prioritized'])(
    'jobs are put back whose list (%s) Redis evicted',
    async key => {
      const { contract, client, consume, untilState } = await queue();
      const options = { wait: {}, delayed: { delayMs: 600_000 }, prioritized: { priority: 1 } };
      await client.enqueue(contract, { id: 'orphan' }, options[key as keyof typeof options]);
      await evict(`${store.prefix}:${contract.name}:${key}`);
      await expect(client.state(contract, 'orphan')).resolves.toBe('unknown');
      await expect(client.revive(contract, { id: 'orphan' })).resolves.toBe(true);
      await consume(async () => ({ said: '' }));
      await untilState('orphan', 'completed');
    },
  );

  test('a job is put back whose payload Redis evicted', async () => {
    const { contract, client, consume, untilState } = await queue();
    const seen: unknown[] = [];
    await client.enqueue(contract, { id: 'hollow' });
    await evict(`${store.prefix}:${contract.name}:hollow`);
    await consume(async ({ payload }) => {
      seen.push(payload);
      return { said: '' };
    });
    await untilRevived(() => client.revive(contract, { id: 'hollow' }));
    await untilState('hollow', 'completed');
    expect(seen).toEqual([{ id: 'hollow' }]);
  });
});

async function evict(key: string): Promise<void> {
  const redis = new Redis(store.redisUrl ?? '');
  expect(await redis.del(key)).toBe(1);
  redis.disconnect();
}

const untilRevived = (revive: () => Promise<boolean>) => waitFor('the job to be put back', revive);

/** All at once, as FLUSHALL would, but of this file only: the server is shared. */
async function removeKeys(): Promise<void> {
  const redis = new Redis(store.redisUrl ?? '');
  const keys = await redis.keys(`${store.prefix}*`);
  if (keys.length > 0) await redis.del(...keys);
  redis.disconnect();
}
