import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { createLifecycle } from '../../shared/kernel/lifecycle.ts';
import { waitFor } from '../../shared/kernel/time.ts';
import { openQueueBackend } from '../../shared/platform/queue/backend.ts';
import { createQueueClient, type QueueClient } from '../../shared/platform/queue/client.ts';
import { type Consumer, type ConsumerOptions, startConsumer } from '../../shared/platform/queue/consumer.ts';
import type { QueueOptions } from '../../shared/platform/queue/contract.ts';
import type { JobContext } from '../../shared/platform/queue/job-run.ts';
import type { JobState, QueueStoreOptions } from '../../shared/platform/queue/seam.ts';
import type { ChildOrders, ChildSaid, ChildTold } from './child-protocol.ts';
import { createSignals, type Signals } from './signals.ts';
import { defineTask, type TaskContract, type TaskPayload, type TaskResult } from './task.ts';

/** A queue store under test. */
export interface Store extends QueueStoreOptions {
  /** Loses every job at once, behind the backs of clients and workers. */
  wipe(): Promise<void>;
}

export type TaskHandler = (context: JobContext<TaskPayload>) => Promise<TaskResult>;

/** One queue of a test's own, with what makes and takes its jobs. */
interface TestQueue {
  readonly contract: TaskContract;
  readonly client: QueueClient;
  consume(
    handler: TaskHandler,
    options?: Partial<ConsumerOptions<TaskPayload, TaskResult>>,
  ): Promise<Consumer>;
  spawnWorker(): Promise<ChildWorker>;
  /** Resolves when the job has come to a state. */
  untilState(jobId: string, state: JobState | 'missing'): Promise<void>;
}

export interface ChildWorker {
  readonly process: ChildProcess;
  readonly said: Signals<ChildSaid>;
  tell(message: ChildTold): void;
}

export interface Workbench {
  queue(options?: Partial<QueueOptions>, store?: QueueStoreOptions): Promise<TestQueue>;
}

/** Short, so that tests need not wait; long enough for a busy machine to renew a lock in time. */
const childTimes = { lockDurationMs: 1500, stalledIntervalMs: 500 };

/** A process of Node's own takes its time when the machine is busy with other tests. */
const startTimeoutMs = 60_000;

/** Queues that end with their test. */
export function workbench(store: Store): Workbench {
  let lifecycle = createLifecycle();
  afterEach(async () => {
    await lifecycle.stop();
    lifecycle = createLifecycle();
  });

  return {
    async queue(options, connectTo: QueueStoreOptions = store) {
      const logger = pino({ level: process.env.LOG_LEVEL ?? 'silent' });
      const contract = defineTask(`task-${randomUUID()}`, options);
      const backend = lifecycle.add(await openQueueBackend({ ...connectTo, name: 'test', logger }));
      const client = lifecycle.add(createQueueClient(backend, [contract]));
      return {
        contract,
        client,
        async consume(handler, more) {
          const shared = { backend, contract, handler, logger, name: 'in-process', isRetryable: () => true };
          const consumer = await startConsumer({ ...shared, ...more });
          lifecycle.onStop('consumer', () => consumer.stop({ deadlineMs: 0 }));
          return consumer;
        },
        async spawnWorker() {
          const { redisUrl, databaseUrl, prefix } = connectTo;
          const orders = { store: { redisUrl, databaseUrl, prefix }, queue: contract.name, ...childTimes };
          const child = spawnChild(orders);
          lifecycle.onStop('child', () => kill(child.process));
          await child.said.when('ready child', ({ event }) => event === 'ready', startTimeoutMs);
          return child;
        },
        untilState: (jobId, state) =>
          waitFor(
            `${jobId} to be ${state}`,
            async () => (await client.state(contract, jobId)) === state,
          ).then(() => {}),
      };
    },
  };
}

function spawnChild(orders: ChildOrders): ChildWorker {
  const script = fileURLToPath(new URL('./child-worker.ts', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify(orders)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const said = createSignals<ChildSaid>();
  child.on('message', (message: ChildSaid) => said.push(message));
  return { process: child, said, tell: message => child.send(message) };
}

/** `kill -9`, also of a stopped process. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
