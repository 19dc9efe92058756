import { type Job, UnrecoverableError, WaitingError } from 'bullmq';
import { AppError, isAppError, messageOf, withoutStatement } from '../../kernel/errors.ts';
import type { Logger } from '../log.ts';
import { type Progress, parsePayload, type QueueContract } from './contract.ts';
import { createJobWriter, type JobWriter, printable } from './job-writer.ts';
import { assertStorable } from './payload.ts';

/** What a handler is given for one attempt at a job. */
export interface JobContext<Payload> {
  payload: Payload;
  jobId: string;
  /** 1 for the first attempt. Attempts cut short by a dying or stopping worker do not count. */
  attempt: number;
  attempts: number;
  isLastAttempt: boolean;
  /** Shows progress in Bull Board, a few times a second at most. */
  report(progress: Progress): void;
  /** Adds a line to the job's log in Bull Board. */
  log(line: string): void;
  /** The results of the job's children in a flow, of those that completed, in no order. */
  childResults(): Promise<unknown[]>;
  /** Aborts with an `AppError`: `cancelled`, `lease_lost` or `shutting_down`. The handler should reject soon after. */
  signal: AbortSignal;
}

export type JobHandler<Payload, Result> = (context: JobContext<Payload>) => Promise<Result>;

export interface JobRunDeps<Payload, Result> {
  contract: QueueContract<Payload, Result>;
  handler: JobHandler<Payload, Result>;
  isRetryable: (error: unknown) => boolean;
  logger: Logger;
  /** How long a handler may go on after `shutting_down` before its job is handed back over its head. */
  graceMs: number;
}

const flushTimeoutMs = 1000;

/**
 * One attempt at a job, from BullMQ's hands and back into them. How it can end:
 *
 *   returns a result ─────────────────────► completed, whatever the signal says: the work is done
 *   rejects, signal says shutting_down ───► back to waiting; the attempt does not count
 *   rejects, signal says lease_lost ──────► nothing: the job is another worker's, or nobody's and found by the others
 *   rejects, signal says cancelled ───────► failed for good
 *   rejects otherwise ────────────────────► isRetryable: delayed, until attempts run out; else failed for good
 */
export async function runJob<Payload, Result>(
  deps: JobRunDeps<Payload, Result>,
  job: Job<unknown, unknown>,
  token: string,
  signal: AbortSignal,
): Promise<Result> {
  const { contract, handler, logger, graceMs } = deps;
  const writer = createJobWriter(job, {
    onError: error => logger.debug({ err: error, jobId: job.id }, 'Could not write a note to the job'),
  });
  try {
    signal.throwIfAborted();
    const context = contextOf(job, parsePayload(contract, job.data), signal, writer);
    const result = await Promise.race([handler(context), overstayed(signal, graceMs)]);
    return checked(contract, result);
  } catch (error) {
    if (isAppError(signal.reason, 'shutting_down')) await handBack(job, token, logger);
    throw verdict(error, signal, deps.isRetryable);
  } finally {
    await writer.flush(flushTimeoutMs);
  }
}

function contextOf<Payload>(
  job: Job<unknown, unknown>,
  payload: Payload,
  signal: AbortSignal,
  writer: JobWriter,
): JobContext<Payload> {
  const attempt = job.attemptsMade + 1;
  const attempts = job.opts.attempts ?? 1;
  return {
    payload,
    jobId: job.id ?? '',
    attempt,
    attempts,
    isLastAttempt: attempt >= attempts,
    report: writer.report,
    log: writer.log,
    childResults: async () => Object.values(await job.getChildrenValues()),
    signal,
  };
}

/** Rejects when the handler has ignored `shutting_down` for `graceMs`; stays pending otherwise. */
function overstayed(signal: AbortSignal, graceMs: number): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => {
    if (!isAppError(signal.reason, 'shutting_down')) return;
    setTimeout(() => reject(signal.reason), graceMs).unref();
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return promise;
}

/** The result as the contract has it: Bull Board and a flow's parent read it. */
function checked<Payload, Result>(contract: QueueContract<Payload, Result>, result: Result): Result {
  const parsed = contract.result.safeParse(result);
  if (!parsed.success) {
    throw new AppError('internal_error', `The result of ${contract.name} does not fit its contract`, {
      cause: parsed.error,
    });
  }
  assertStorable(`The result of ${contract.name}`, parsed.data);
  return parsed.data;
}

/** Puts the job back for another worker at once; if the store is away, it is found as stalled later. */
async function handBack(job: Job<unknown, unknown>, token: string, logger: Logger): Promise<void> {
  try {
    await job.moveToWait(token);
  } catch (error) {
    logger.warn({ err: error, jobId: job.id }, 'Could not hand the job back; its lock will run out');
  }
}

/** What BullMQ is told: `WaitingError` leaves the job as it is, `UnrecoverableError` ends it, any other retries. */
function verdict(error: unknown, signal: AbortSignal, isRetryable: (error: unknown) => boolean): Error {
  const { reason } = signal;
  if (isAppError(reason, 'shutting_down') || isAppError(reason, 'lease_lost')) return new WaitingError();
  const message = printable(messageOf(error));
  const forGood = isAppError(reason, 'cancelled') || isAppError(error, 'payload_unreadable');
  const failure = forGood || !isRetryable(error) ? new UnrecoverableError(message) : new Error(message);
  const told = withoutStatement(error); // Bull Board shows it
  if (told instanceof Error && told.stack !== undefined) failure.stack = printable(told.stack);
  return failure;
}
