import { Redis } from 'ioredis';
import { redisProgram, startRedis, type TestRedis } from './redis.ts';

const whereRedisIs = redisProgram() === undefined ? describe.skip : describe;

whereRedisIs('a Redis of the test file’s own', () => {
  let server: TestRedis;
  let client: Redis;

  beforeEach(async () => {
    const started = await startRedis({ appendonly: true });
    if (started === undefined) throw new Error('The program is there, but no server came of it');
    server = started;
    client = new Redis(server.url, { lazyConnect: true });
    client.on('error', () => {}); // it connects again by itself
    await client.connect();
  });

  afterEach(async () => {
    client.disconnect();
    await server.stop();
  });

  test('never drops a key for want of memory, as jobs need it', async () => {
    expect(await client.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
  });

  test('has its data again after a restart and after a kill, at the same address', async () => {
    await client.set('kept', 'yes');
    await server.restart();
    await client.set('also', 'yes');
    await server.kill();
    await server.restart();
    expect(await client.mget('kept', 'also')).toEqual(['yes', 'yes']);
  });
});
