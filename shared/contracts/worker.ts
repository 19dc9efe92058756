import { z } from 'zod';

const count = z.int().min(0);

/** What one worker process runs, and has run, of one queue. */
export const queueActivitySchema = z.object({
  concurrency: count,
  active: count,
  completed: count,
  failed: count,
});
export type QueueActivity = z.infer<typeof queueActivitySchema>;

export const workerStatuses = ['alive', 'lost', 'stopped'] as const;
export type WorkerStatus = (typeof workerStatuses)[number];
