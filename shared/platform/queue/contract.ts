import type { z } from 'zod';
import { AppError } from '../../kernel/errors.ts';

/** How far a piece of work is. `done` and `total` count the contract's own unit (users, chunks, requests). */
export interface Progress {
  phase: string;
  done: number;
  total: number;
}

export interface QueueOptions {
  /** How many jobs of this queue one worker process runs at once. */
  concurrency: number;
  /** Tries in all, the first included. */
  attempts: number;
  /** The delay before the second try, in milliseconds; doubles with each further one, with jitter. */
  backoffMs: number;
  /** Finished jobs leave the queue's own store after this many seconds (rows in Postgres stay). */
  keepSeconds: number;
  /**
   * How long a job may go on once its worker stops, in milliseconds, if the worker itself allows as much. 0 hands it to
   * another worker at once: for jobs that mostly wait and go on anywhere.
   */
  drainMs: number;
}

/**
 * What producer and consumer of a queue agree on, declared once. The payload is a pointer (ids, a range),
 * never the data itself and never a secret: Bull Board shows it.
 */
export interface QueueContract<Payload = unknown, Result = unknown> {
  readonly name: string;
  readonly payload: z.ZodType<Payload>;
  readonly result: z.ZodType<Result>;
  /** The id under which the queue knows this payload: adding the same id twice adds nothing. No ':' in it. */
  readonly jobId: (payload: Payload) => string;
  readonly options: QueueOptions;
}

export type PayloadOf<C> = C extends QueueContract<infer Payload, infer _> ? Payload : never;
export type ResultOf<C> = C extends QueueContract<infer _, infer Result> ? Result : never;

const defaults: QueueOptions = {
  concurrency: 1,
  attempts: 3,
  backoffMs: 500,
  keepSeconds: 3600,
  drainMs: Infinity,
};

/** Declares a queue. See `docs/adding-a-job.md`. */
export function defineQueue<Payload, Result>(
  contract: Omit<QueueContract<Payload, Result>, 'options'> & { options?: Partial<QueueOptions> },
): QueueContract<Payload, Result> {
  return { ...contract, options: { ...defaults, ...contract.options } };
}

/** The payload as its contract has it; `payload_unreadable`, which is never retried, when it does not fit. */
export function parsePayload<Payload>(contract: QueueContract<Payload, unknown>, data: unknown): Payload {
  const parsed = contract.payload.safeParse(data);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(issue => ({
    pointer: `/${issue.path.join('/')}`,
    code: issue.code,
    detail: issue.message,
  }));
  throw new AppError('payload_unreadable', `The payload of ${contract.name} does not fit its contract`, {
    faults,
  });
}
