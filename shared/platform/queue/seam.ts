import type { ConnectionOptions, FlowProducer, IQueueBackend, Queue } from 'bullmq';
import type { Logger } from '../log.ts';
import type { BullProcessor, BullWorker } from './bull-worker.ts';

/**
 * The one seam to BullMQ. What it is built on (Redis in production, Postgres when Muster runs by itself) is decided
 * here and nowhere else; `client.ts` and `consumer.ts` are the same on both, and one conformance suite holds them to it.
 *
 * Connections a process: Redis two (producers fail fast, workers wait for the store) and one more a consumer, which
 * blocks on it; Postgres at most four and one for LISTEN, however many queues there are.
 */
export interface QueueStoreOptions {
  /** Redis is used when given, else the Postgres of `databaseUrl`. */
  redisUrl?: string | undefined;
  databaseUrl: string;
  /** Key prefix in Redis, schema in Postgres: two installations can share a server. */
  prefix: string;
}

export interface QueueBackendOptions extends QueueStoreOptions {
  /** Names the connections, for `CLIENT LIST` and `pg_stat_activity`. */
  name: string;
  logger: Logger;
}

export const jobStates = ['waiting', 'delayed', 'active', 'completed', 'failed', 'waiting-children'] as const;
/** Where a job is. Waiting includes jobs with a priority and those of a paused queue. */
export type JobState = (typeof jobStates)[number];
/** `unknown` is a job that the store has and will give to nobody: Redis lost, or evicted, the list that it was in. */
export type KnownState = JobState | 'unknown';

export type BullQueue = Queue<
  unknown,
  unknown,
  string,
  unknown,
  unknown,
  string,
  IQueueBackend,
  ConnectionOptions
>;
type BullFlowProducer = FlowProducer<IQueueBackend, ConnectionOptions>;

interface WorkerSettings {
  name: string;
  concurrency: number;
  lockDuration: number;
  stalledInterval: number;
  maxStalledCount: number;
  /** Pause before a command is tried again that failed because the store was away, in milliseconds. */
  runRetryDelay: number;
}

export interface QueueBackend {
  readonly name: string;
  readonly kind: 'redis' | 'postgres';
  readonly logger: Logger;
  /** The store's clock minus ours, in milliseconds, as measured when the backend was opened. */
  readonly clockSkewMs: number;
  openQueue(queue: string): BullQueue;
  openWorker(queue: string, processor: BullProcessor, settings: WorkerSettings): BullWorker;
  openFlowProducer(): BullFlowProducer;
  /** The states of the jobs that the store has, in one round trip; an id it does not have is absent. */
  states(queue: BullQueue, jobIds: readonly string[]): Promise<Map<string, KnownState>>;
  /** Rejects when the store does not answer. */
  ping(): Promise<void>;
  /** Closes every connection; queues and workers are closed by their owners before. */
  stop(): Promise<void>;
}
