import { Redis } from 'ioredis';
import { waitFor } from '../../shared/kernel/time.ts';
import { testDatabases } from '../fixtures/database.ts';
import { redisStore } from '../fixtures/queue.ts';
import { shortLocks, testStack } from '../fixtures/stack.ts';
import { startTcpRelay, type TcpRelay } from '../fixtures/tcp-relay.ts';
import { redisProgram, startRedis, type TestRedis } from '../servers/redis.ts';
import { inspect, untilMiddle, whole } from './batch.ts';
import { slowDown } from './slow-application.ts';

const databases = testDatabases();
beforeAll(() => slowDown(databases.application.sql, 'insert', 40));

const describeWithRedis = redisProgram() === undefined ? describe.skip : describe;

describeWithRedis('with a Redis whose replica takes over', () => {
  const servers: TestRedis[] = [];
  const clients: Redis[] = [];
  let relay: TcpRelay | undefined;

  async function start(): Promise<Redis> {
    const server = await startRedis();
    if (server === undefined) throw new Error('There is no Redis');
    servers.push(server);
    const client = new Redis(server.url);
    clients.push(client);
    return client;
  }

  /** Resolves when it has all that its primary has. */
  async function follow(replica: Redis, primary: Redis): Promise<void> {
    await replica.replicaof('127.0.0.1', primary.options.port ?? 0);
    const isSynced = async () => /master_link_status:up/.test(await replica.info('replication'));
    await waitFor('the replica', isSynced, { timeoutMs: 30_000 });
  }

  beforeAll(async () => {
    const primary = await start();
    await follow(await start(), primary);
    relay = await startTcpRelay(`redis://127.0.0.1:${primary.options.port}`);
  });
  const store = redisStore(databases, 'redis://not-yet');
  const stack = testStack({
    databases,
    store: () => ({ ...store, redisUrl: relay?.url ?? 'redis://none' }),
    settings: shortLocks,
  });
  afterAll(async () => {
    await relay?.stop();
    for (const client of clients) client.disconnect();
    await Promise.all(servers.map(server => server.stop()));
  });

  test('every process finds it, though the old primary keeps their connections, and a batch is whole', async () => {
    const [primary, replica] = clients;
    if (primary === undefined || replica === undefined) throw new Error('There are no two');
    const batch = await stack.submit(20_000, { batch_size: 250 });
    await untilMiddle(stack, batch);
    await replica.replicaof('NO', 'ONE');
    relay?.lead(`redis://127.0.0.1:${replica.options.port}`);
    await follow(primary, replica);
    await expect(inspect(stack, batch)).resolves.toEqual(whole(batch, 20_000, 250));
    const after = await stack.submit(500, { batch_size: 250 });
    await expect(inspect(stack, after)).resolves.toEqual(whole(after, 500, 250));
  });
});
