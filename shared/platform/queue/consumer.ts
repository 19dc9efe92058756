import type { Job } from 'bullmq';
import { sleep } from '../../kernel/time.ts';
import type { Logger } from '../log.ts';
import type { BullWorker } from './bull-worker.ts';
import { type CancelSource, watchCancellations } from './cancellation.ts';
import type { QueueContract } from './contract.ts';
import { type JobHandler, type JobRunDeps, runJob } from './job-run.ts';
import { createRunningJobs, type RunningJobs } from './running-jobs.ts';
import type { QueueBackend } from './seam.ts';
import { logStoreErrors } from './store-errors.ts';

/** A contract and what makes its handler: what a feature gives to the worker's registry. */
export interface Implementation<Payload, Result, Deps> {
  readonly contract: QueueContract<Payload, Result>;
  readonly create: (deps: Deps) => JobHandler<Payload, Result>;
}

/** The only way out of a queue. See `docs/adding-a-job.md`. */
export function implement<Payload, Result, Deps>(
  contract: QueueContract<Payload, Result>,
  create: (deps: Deps) => JobHandler<Payload, Result>,
): Implementation<Payload, Result, Deps> {
  return { contract, create };
}

export interface ConsumerOptions<Payload, Result> {
  backend: QueueBackend;
  contract: QueueContract<Payload, Result>;
  handler: JobHandler<Payload, Result>;
  /** The worker's name, shown in Bull Board as the one that processed a job. */
  name: string;
  logger: Logger;
  cancelSource?: CancelSource;
  /** Whether another attempt may succeed where this error ended one. */
  isRetryable: (error: unknown) => boolean;
  /** The contract's when absent. */
  concurrency?: number;
  /** How long a job stays with a worker that has gone silent, in milliseconds; renewed at half of it. */
  lockDurationMs?: number;
  /** How often workers look for such jobs. One is put back within the lock and two of these. */
  stalledIntervalMs?: number;
  /** How long a handler may ignore `shutting_down`, in milliseconds. */
  graceMs?: number;
}

export interface Consumer {
  readonly name: string;
  /** The ids of the jobs that run at present. */
  active(): string[];
  /**
   * Takes no new jobs, waits `deadlineMs` for the running ones, then hands those that are left back to the queue, where
   * another worker takes them at once. Resolves even when the store is away.
   */
  stop(options: { deadlineMs: number }): Promise<void>;
}

/**
 * How many workers may die under one job before the queue gives it up. BullMQ's default of 1 loses a job in a rolling
 * restart that goes wrong; without a limit, one that kills its worker (out of memory) would do so for ever.
 */
const maxStalledCount = 25;

/** Starts to take jobs. A lost lock aborts a job's signal (`lease_lost`), and so does a cancellation. */
export async function startConsumer<Payload, Result>(
  options: ConsumerOptions<Payload, Result>,
): Promise<Consumer> {
  const { backend, contract, name, cancelSource } = options;
  const logger = options.logger.child({ queue: contract.name });
  const running = createRunningJobs();
  warnOfSkew(backend, logger);

  const worker = backend.openWorker(contract.name, processor({ ...options, logger }, running), {
    name,
    concurrency: options.concurrency ?? contract.options.concurrency,
    lockDuration: options.lockDurationMs ?? 15_000,
    stalledInterval: options.stalledIntervalMs ?? 5000,
    maxStalledCount,
    runRetryDelay: 1000,
  });
  logEvents(worker, logger);
  worker.on('lockRenewalFailed', jobIds => {
    for (const jobId of jobIds) running.abort(jobId, 'lease_lost');
  });
  const cancel = (jobId: string) => running.abort(jobId, 'cancelled');
  const watch =
    cancelSource && watchCancellations({ source: cancelSource, active: running.ids, cancel, logger });
  await worker.waitUntilReady();

  let stopped: Promise<void> | undefined;
  return {
    name: `${name}:${contract.name}`,
    active: running.ids,
    stop({ deadlineMs }) {
      const graceMs = options.graceMs ?? defaultGraceMs;
      stopped ??= drain(worker, { deadlineMs, graceMs, abortAll: () => running.abortAll('shutting_down') });
      return stopped.finally(() => watch?.stop());
    },
  };
}

const defaultGraceMs = 1000;
/** What BullMQ and the store may take, in milliseconds, to put the jobs back and close. */
const closeTimeoutMs = 3000;

function processor<Payload, Result>(
  { contract, handler, isRetryable, logger, graceMs = defaultGraceMs }: ConsumerOptions<Payload, Result>,
  running: RunningJobs,
) {
  const deps: JobRunDeps<Payload, Result> = { contract, handler, isRetryable, logger, graceMs };
  return async (job: Job<unknown, unknown>, token = ''): Promise<Result> => {
    const jobId = job.id ?? '';
    // Ours rather than BullMQ's signal, which aborts for nothing but a call of `cancelJob`, and with text for a reason.
    const signal = running.begin(jobId);
    try {
      return await runJob(deps, job, token, signal);
    } finally {
      running.end(jobId, signal);
    }
  };
}

async function drain(
  worker: BullWorker,
  { deadlineMs, graceMs, abortAll }: { deadlineMs: number; graceMs: number; abortAll: () => void },
): Promise<void> {
  const done = new AbortController();
  const closed = worker.close().finally(() => done.abort());
  const before = (ms: number) => Promise.race([closed, sleep(ms, done.signal).catch(() => {})]);
  await before(deadlineMs);
  if (done.signal.aborted) return;
  abortAll();
  await before(graceMs + closeTimeoutMs);
  if (!done.signal.aborted) await worker.abandon();
}

function logEvents(worker: BullWorker, logger: Logger): void {
  worker.on('error', logStoreErrors(logger));
  worker.on('stalled', jobId => logger.warn({ jobId }, 'A worker went silent; its job is put back'));
  worker.on('failed', (job, error) =>
    logger.warn({ jobId: job?.id, attempt: job?.attemptsMade, err: error }, 'An attempt at a job failed'),
  );
}

/** On Postgres a lock runs out by the clock of whoever looks at it. */
function warnOfSkew({ clockSkewMs }: QueueBackend, logger: Logger): void {
  if (Math.abs(clockSkewMs) < 2000) return;
  logger.warn(
    { clockSkewMs },
    'The clocks of this machine and of the queue store differ: delays and locks are off by as much. Synchronise them.',
  );
}
