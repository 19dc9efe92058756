import { once } from 'node:events';
import pino from 'pino';
import postgres from 'postgres';
import { isAppError } from '../../shared/kernel/errors.ts';
import { openQueueBackend } from '../../shared/platform/queue/backend.ts';
import { startConsumer } from '../../shared/platform/queue/consumer.ts';
import type { ChildOrders, ChildSaid } from './child-protocol.ts';
import { defineTask } from './task.ts';

/** A worker process for tests to kill. Its cancellations are rows of `cancelled_tasks`, as those of jobs are rows. */
const orders: ChildOrders = JSON.parse(process.argv[2] ?? '{}');
const say = (said: ChildSaid) => process.send?.(said);
process.once('disconnect', () => process.exit(0));

const told = new EventTarget();
process.on('message', message => told.dispatchEvent(new Event(String(message))));

const sql = postgres(orders.store.databaseUrl, { max: 1 });
const logger = pino({ level: process.env.LOG_LEVEL ?? 'silent' });
const backend = await openQueueBackend({ ...orders.store, name: 'child', logger });

await startConsumer({
  backend,
  contract: defineTask(orders.queue),
  name: `child-${process.pid}`,
  logger,
  lockDurationMs: orders.lockDurationMs,
  stalledIntervalMs: orders.stalledIntervalMs,
  isRetryable: () => true,
  cancelSource: {
    cancelled: async jobIds =>
      (await sql<{ id: string }[]>`select id from cancelled_tasks where id = any (${jobIds})`).map(
        ({ id }) => id,
      ),
  },
  handler: async ({ jobId, attempt, signal }) => {
    say({ event: 'started', jobId, attempt });
    const aborted = once(signal, 'abort').then(() => {
      say({ event: 'aborted', jobId, code: isAppError(signal.reason) ? signal.reason.code : 'unknown' });
      throw signal.reason;
    });
    await Promise.race([once(told, 'finish'), aborted]);
    return { said: `by ${process.pid}` };
  },
});
say({ event: 'ready' });
