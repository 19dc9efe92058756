import { createRedisBackend, FlowProducer, Queue } from 'bullmq';
import { Redis, type RedisOptions } from 'ioredis';
import { BullWorker } from './bull-worker.ts';
import { askStates } from './redis-states.ts';
import type { QueueBackend, QueueBackendOptions } from './seam.ts';
import { answered, logStoreErrors } from './store-errors.ts';

const answerTimeoutMs = 5000;
const hint = 'Is REDIS_URL right, and is Redis up?';

/**
 * BullMQ on Redis. Producers fail at once when Redis is away (`enableOfflineQueue: false`) and after five seconds when
 * it is there and does not answer (`commandTimeout`), so that an API call gets its 503 or leaves the rest to the
 * outbox; workers wait for it (`maxRetriesPerRequest: null`), as BullMQ demands.
 */
export async function openRedisBackend(
  options: QueueBackendOptions & { redisUrl: string },
): Promise<QueueBackend> {
  const { redisUrl, prefix, name, logger } = options;
  const onError = logStoreErrors(logger);
  const producer = connect(redisUrl, {
    connectionName: name,
    enableOfflineQueue: false,
    commandTimeout: answerTimeoutMs,
  });
  producer.on('error', onError);
  await answered(producer.connect(), answerTimeoutMs, hint).catch((error: unknown) => {
    producer.disconnect();
    throw error;
  });
  const clockSkewMs = await measureSkew(producer);
  const workers = connect(redisUrl, { connectionName: `${name}:worker`, maxRetriesPerRequest: null });
  workers.on('error', onError);
  const producing = { connection: producer, prefix, skipVersionCheck: true };

  return {
    name,
    kind: 'redis',
    logger,
    clockSkewMs,
    openQueue: queue => new Queue(queue, producing, createRedisBackend).on('error', onError),
    openWorker: (queue, processor, settings) =>
      new BullWorker(queue, processor, { ...settings, connection: workers, prefix }, createRedisBackend),
    openFlowProducer: () => new FlowProducer(producing, createRedisBackend).on('error', onError),
    states: (queue, jobIds) => askStates(producer, queue, jobIds),
    ping: async () => {
      await answered(producer.ping(), answerTimeoutMs, hint);
    },
    stop: async () => {
      producer.disconnect();
      workers.disconnect();
    },
  };
}

/**
 * Redis is fast to come back: try each second at the least. A primary that became a replica keeps its connections and
 * refuses what they write: the name of the URL leads to the new one by then.
 */
function connect(
  url: string,
  options: Pick<
    RedisOptions,
    'commandTimeout' | 'connectionName' | 'enableOfflineQueue' | 'maxRetriesPerRequest' | 'retryStrategy'
  >,
): Redis {
  return new Redis(url, {
    lazyConnect: true,
    connectTimeout: answerTimeoutMs,
    maxRetriesPerRequest: 1,
    retryStrategy: times => Math.min(50 * 2 ** times, 1000),
    reconnectOnError: ({ message }) => /READONLY|UNBLOCKED/.test(message),
    ...options,
  });
}

async function measureSkew(redis: Redis): Promise<number> {
  const before = Date.now();
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1000 + Number(micros) / 1000 - (before + Date.now()) / 2;
}

/** Says which settings of this Redis can lose jobs. */
export async function prepareRedisStore(redisUrl: string): Promise<string[]> {
  const redis = connect(redisUrl, { retryStrategy: () => null });
  redis.on('error', () => {}); // the rejected call below carries it
  try {
    return dangersOf(await answered(redis.info(), answerTimeoutMs, hint));
  } finally {
    redis.disconnect();
  }
}

/** From `INFO`, since hosted Redis often refuses `CONFIG`. */
export function dangersOf(info: string): string[] {
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  const appendOnly = /^aof_enabled:(\d)/m.exec(info)?.[1];
  const dangers: string[] = [];
  if (policy !== undefined && policy !== 'noeviction') {
    dangers.push(`Redis evicts keys (maxmemory-policy ${policy}), jobs among them: set it to noeviction.`);
  }
  if (appendOnly === '0') {
    dangers.push('Redis has no append-only file, so a crash loses the queue: set appendonly yes.');
  }
  return dangers;
}
