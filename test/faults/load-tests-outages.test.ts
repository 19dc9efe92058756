import { sleep } from '../../shared/kernel/time.ts';
import { shardLeaseMs } from '../../shared/store/load-tests/load-shards.ts';
import { type LoggingTarget, startLoggingTarget } from '../fixtures/load-test.ts';
import { ownPostgres } from '../fixtures/own-postgres.ts';
import { redisStore } from '../fixtures/queue.ts';
import { shortLocks, testStack } from '../fixtures/stack.ts';
import { redisProgram, startRedis, type TestRedis } from '../servers/redis.ts';
import { beginRun, expectTruth, inspectRun, untilRequests } from './load-run.ts';

const databases = ownPostgres();
let redis: TestRedis | undefined;
let target: LoggingTarget;

const server = (): TestRedis => {
  if (redis === undefined) throw new Error('There is no Redis');
  return redis;
};

const describeWithRedis = redisProgram() === undefined ? describe.skip : describe;

describeWithRedis('with servers of their own', () => {
  beforeAll(async () => {
    redis = await startRedis({ appendonly: false });
    target = await startLoggingTarget();
  });
  const stack = testStack({
    databases,
    store: () => ({ ...redisStore(databases, server().url), prefix: 'outages' }),
    settings: shortLocks,
  });
  afterAll(async () => {
    await target.stop();
    await redis?.stop();
  });

  test('a run loses not one request when Redis forgets everything and Postgres restarts', async () => {
    const run = await beginRun(stack, target, { seconds: 9, workers: 2 });
    const { metrics } = await untilRequests(stack, run, 50);
    await server().kill();
    await server().restart();
    await untilRequests(stack, run, (metrics?.http_reqs.count ?? 0) + 100);
    await databases.server.restart();

    const found = await inspectRun(stack, run, target);
    expectTruth(found);
    expect(found.test).toMatchObject({ status: 'succeeded', degraded: false, reason: null });
    expect(found.shards.map(({ epoch, status }) => [epoch, status])).toEqual([
      [1, 'ended'],
      [1, 'ended'],
    ]);
    expect(found.test.metrics?.http_req_failed.passes).toBe(0);
  });

  test('workers that are cut off from Postgres send nothing once their leases may have run out', async () => {
    const run = await beginRun(stack, target, { seconds: 14, workers: 2 });
    await untilRequests(stack, run, 50);
    await databases.server.stop();
    await sleep(shardLeaseMs);
    const atEndOfLease = target.seen(run.id).length;
    await sleep(2000);
    const later = target.seen(run.id).length;
    await databases.server.restart();

    expect(later).toBe(atEndOfLease);
    const found = await inspectRun(stack, run, target);
    expectTruth(found);
    expect(found.test).toMatchObject({ status: 'succeeded', degraded: true });
    expect(found.test.metrics?.http_reqs.count).toBeGreaterThan(later);
    expect(found.events).toEqual(expect.arrayContaining(['shard_cut_off', 'shard_back']));
    expect(found.secondsWithoutLoad).toBeGreaterThan(0);
  });
});
