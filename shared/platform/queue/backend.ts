import { openPostgresBackend, preparePostgresStore } from './postgres-backend.ts';
import { openRedisBackend, prepareRedisStore } from './redis-backend.ts';
import type { QueueBackend, QueueBackendOptions, QueueStoreOptions } from './seam.ts';

/** Connects to the queue store; `dependency_unavailable` when it is away or not prepared. */
export function openQueueBackend(options: QueueBackendOptions): Promise<QueueBackend> {
  const { redisUrl } = options;
  return redisUrl === undefined ? openPostgresBackend(options) : openRedisBackend({ ...options, redisUrl });
}

/**
 * Makes the store ready for use: on Postgres the schema of the queue is created or brought up to date (any number of
 * processes may do so at once), on Redis the settings that keep jobs safe are checked.
 * @returns what an operator should change, one sentence each
 */
export function prepareQueueStore(options: QueueStoreOptions): Promise<string[]> {
  const { redisUrl, databaseUrl, prefix } = options;
  return redisUrl === undefined ? preparePostgresStore(databaseUrl, prefix) : prepareRedisStore(redisUrl);
}
