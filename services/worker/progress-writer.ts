import type { Executor } from '../../shared/platform/postgres/db.ts';
import type { Progress } from '../../shared/platform/queue/contract.ts';
import { type JobLease, saveProgress } from '../../shared/store/jobs/job-runs.ts';

export interface ProgressWriterOptions {
  db: Executor;
  lease: JobLease;
  /** Called when the row turns out to be another worker's. */
  onLost: () => void;
  intervalMs?: number;
}

/**
 * Writes a job's progress to its row, one write at a time and a few a second at most: what was overtaken in the
 * meantime is not written. A write that fails is left out; the next one, or the job's end, says the same and more.
 */
export function createProgressWriter({ db, lease, onLost, intervalMs = 200 }: ProgressWriterOptions) {
  let next: Progress | undefined;
  let writing: Promise<void> | undefined;
  let flushing = false;
  let hurry: (() => void) | undefined;

  async function writeAll(): Promise<void> {
    while (next !== undefined) {
      const progress = next;
      next = undefined;
      const kept = await saveProgress(db, lease, progress).catch(() => true);
      if (!kept) return onLost();
      if (!flushing) await pause();
    }
  }

  async function pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, intervalMs);
    hurry = resolve;
    await promise;
    clearTimeout(timer);
  }

  return {
    save(progress: Progress): void {
      next = progress;
      writing ??= writeAll().finally(() => {
        writing = undefined;
      });
    },
    /** Resolves when the latest progress is written; what is saved afterwards is written without a pause. */
    async flush(): Promise<void> {
      flushing = true;
      hurry?.();
      await writing;
    },
  };
}
