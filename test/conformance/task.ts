import { z } from 'zod';
import { defineQueue, type QueueOptions } from '../../shared/platform/queue/contract.ts';

/** The job of the conformance suite, on a queue of each test's own. Tests and child processes declare it alike. */
export const defineTask = (name: string, options: Partial<QueueOptions> = {}) =>
  defineQueue({
    name,
    payload: z.strictObject({ id: z.string().trim().min(1), text: z.string().optional() }),
    result: z.object({ said: z.string() }),
    jobId: ({ id }) => id,
    options: { backoffMs: 50, ...options },
  });

export type TaskContract = ReturnType<typeof defineTask>;
export type TaskPayload = z.infer<TaskContract['payload']>;
export type TaskResult = z.infer<TaskContract['result']>;
