import { type JobsOptions, QueueKeys } from 'bullmq';
import { AppError } from '../../kernel/errors.ts';
import { parsePayload, type QueueContract } from './contract.ts';

export interface JobOptions {
  /** Not before this many milliseconds from now. */
  delayMs?: number;
  /** 1 comes first, 2,097,152 last; a job without a priority comes before all that have one. */
  priority?: number;
}

/** A job as BullMQ takes it. */
export interface BullJob {
  name: string;
  data: unknown;
  opts: JobsOptions & { jobId: string };
}

/**
 * What is added to the queue for a payload. Retention is by age only: on Postgres, BullMQ's retention by count is slow
 * and deadlocks. The jitter spreads the retries of jobs that failed together.
 */
export function bullJob<Payload>(
  contract: QueueContract<Payload, unknown>,
  given: Payload,
  { delayMs = 0, priority = 0 }: JobOptions = {},
): BullJob {
  const data = parsePayload(contract, given);
  assertStorable(`The payload of ${contract.name}`, data);
  const { attempts, backoffMs, keepSeconds } = contract.options;
  return {
    name: contract.name,
    data,
    opts: {
      jobId: validJobId(contract.name, contract.jobId(data)),
      attempts,
      backoff: { type: 'exponential', delay: backoffMs, jitter: 0.5 },
      removeOnComplete: { age: keepSeconds },
      removeOnFail: { age: keepSeconds },
      ...(delayMs > 0 ? { delay: delayMs } : {}),
      ...(priority > 0 ? { priority } : {}),
    },
  };
}

/** On Redis a job's key stands beside those of the queue: a job named "failed" would break the list of failed ones. */
const reserved = new Set(Object.keys(new QueueKeys().getKeys('any')));

/** BullMQ separates its keys by ':' and takes a number for an id of its own making. */
function validJobId(queue: string, jobId: string): string {
  if (!reserved.has(jobId) && !jobId.includes(':') && !/^\d+$/.test(jobId)) return jobId;
  throw new AppError('payload_unreadable', `"${jobId}" cannot be a job id of ${queue}`, {
    hint: 'A job id is not empty, not a bare number, has no ":" and is no word of BullMQ\'s own, like "failed".',
  });
}

/** U+0000 in JSON text: the escape, not preceded by another backslash that makes it a literal one. */
const nul = /(?<!\\)(?:\\\\)*\\u0000/;

/** Postgres stores no U+0000 in jsonb. Refused on Redis too, so that what works on one works on the other. */
export function assertStorable(what: string, data: unknown): void {
  if (!nul.test(JSON.stringify(data) ?? '')) return;
  throw new AppError('payload_unreadable', `${what} has a U+0000 character, which the queue cannot store`, {
    hint: 'Remove the null characters from the strings, or refer to the data by an id.',
  });
}
