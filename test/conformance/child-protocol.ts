import type { QueueStoreOptions } from '../../shared/platform/queue/seam.ts';

/** What a child worker is told, as JSON in its first argument. */
export interface ChildOrders {
  store: QueueStoreOptions;
  queue: string;
  lockDurationMs: number;
  stalledIntervalMs: number;
}

/** What it says: its jobs hang until it is told to `finish` them or their signal aborts. */
export type ChildSaid =
  | { event: 'ready' }
  | { event: 'started'; jobId: string; attempt: number }
  | { event: 'aborted'; jobId: string; code: string };

export type ChildTold = 'finish';
