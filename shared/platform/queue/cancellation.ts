import type { Logger } from '../log.ts';

/** Where cancellations are recorded: a column in the database, seen by whichever worker runs the job. */
export interface CancelSource {
  /** Which of these jobs are to be cancelled. */
  cancelled(jobIds: string[]): Promise<string[]>;
  /** Calls `wake` when one may have been recorded; gives back how to stop that. Polling remains as the safety net. */
  onChange?(wake: () => void): () => void;
}

export interface CancellationWatchOptions {
  source: CancelSource;
  active: () => string[];
  cancel: (jobId: string) => void;
  logger: Logger;
  intervalMs?: number;
}

/** Asks the source about the active jobs, every second and when it wakes us; one question at a time. */
export function watchCancellations(options: CancellationWatchOptions): { stop(): void } {
  const { source, active, cancel, logger, intervalMs = 1000 } = options;
  let asking = false;
  let askAgain = false;

  async function askOnce(): Promise<void> {
    const jobIds = active();
    if (jobIds.length === 0) return;
    try {
      for (const jobId of await source.cancelled(jobIds)) cancel(jobId);
    } catch (error) {
      logger.warn({ err: error }, 'Cannot ask for cancellations; trying again');
    }
  }

  async function ask(): Promise<void> {
    if (asking) {
      askAgain = true;
      return;
    }
    asking = true;
    do {
      askAgain = false;
      await askOnce();
    } while (askAgain);
    asking = false;
  }

  const timer = setInterval(() => void ask(), intervalMs);
  const forget = source.onChange?.(() => void ask());
  return {
    stop() {
      clearInterval(timer);
      forget?.();
    },
  };
}
