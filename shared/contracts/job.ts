import { z } from 'zod';
import { defineQueue, type QueueContract, type QueueOptions } from '../platform/queue/contract.ts';

/**
 * A job: one `jobs` row a submission, shown to people and clients. Its queue entry is a pointer to the row.
 *
 *   queued ──► running ──► succeeded | partially_succeeded | failed | cancelled
 *     ▲  └─────────┼──────────────────────────────────────────► cancelled
 *     └── (a try failed, another follows) ┘        retry: any of the last three ──► queued
 *
 * Every change of status is one conditional update, fenced by the row's epoch, together with its event.
 */
export const jobStatuses = [
  'queued',
  'running',
  'succeeded',
  'partially_succeeded',
  'failed',
  'cancelled',
] as const;
export type JobStatus = (typeof jobStatuses)[number];

export const terminalStatuses = ['succeeded', 'partially_succeeded', 'failed', 'cancelled'] as const;
export type TerminalStatus = (typeof terminalStatuses)[number];

export const isTerminal = (status: JobStatus): status is TerminalStatus =>
  status !== 'queued' && status !== 'running';

export const jobErrorSchema = z.object({ code: z.string(), message: z.string() });
export type JobError = z.infer<typeof jobErrorSchema>;

export const jobProgressSchema = z.object({
  phase: z.string(),
  done: z.number(),
  total: z.number(),
  /** 0 to 100, in tenths. */
  percent: z.number(),
});
export type JobProgress = z.infer<typeof jobProgressSchema>;

export type JobEventName = 'status' | 'progress' | 'log' | 'result';

/** What a finished result means for the job. `failed` says why. */
export type Outcome = { status: 'succeeded' | 'partially_succeeded' } | { status: 'failed'; error: JobError };

const pointerSchema = z.strictObject({ job_id: z.uuid() });
export type JobPointer = z.infer<typeof pointerSchema>;

/** A job's contract: its queue carries a pointer; `input` is what the row's payload holds. */
export interface JobContract<Input = unknown, Result = unknown>
  extends QueueContract<JobPointer, Result | null> {
  readonly input: z.ZodType<Input>;
  readonly output: z.ZodType<Result>;
  readonly outcome: (result: Result) => Outcome;
  /** What it takes to run such a job again: the role that it takes to start one. */
  readonly retryRole: 'operator' | 'admin';
}

/** Declares a job kind. `name` is the kind on the wire and the queue's name. See `docs/adding-a-job.md`. */
export function defineJob<Input, Result>(job: {
  name: string;
  input: z.ZodType<Input>;
  output: z.ZodType<Result>;
  outcome?: (result: Result) => Outcome;
  /** Default: operator. */
  retryRole?: 'operator' | 'admin';
  options?: Partial<QueueOptions>;
}): JobContract<Input, Result> {
  const queue = defineQueue({
    name: job.name,
    payload: pointerSchema,
    result: job.output.nullable(),
    jobId: pointer => pointer.job_id,
    ...(job.options ? { options: job.options } : {}),
  });
  return {
    ...queue,
    input: job.input,
    output: job.output,
    outcome: job.outcome ?? (() => ({ status: 'succeeded' })),
    retryRole: job.retryRole ?? 'operator',
  };
}
