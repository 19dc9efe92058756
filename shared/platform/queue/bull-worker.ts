import { type ConnectionOptions, type IQueueBackend, type Processor, Worker } from 'bullmq';

export type BullProcessor = Processor<unknown, unknown, string, object>;

/** BullMQ's worker, which can also be left when its store is away. */
export class BullWorker extends Worker<unknown, unknown, string, IQueueBackend, object, ConnectionOptions> {
  /**
   * Ends what keeps the process alive. `close` does that only after it has waited for its connections, and on Redis it
   * waits for one that is about to reconnect for ever.
   */
  abandon(): Promise<void> {
    return this.lockManager.close();
  }
}
