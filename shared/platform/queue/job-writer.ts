import type { Progress } from './contract.ts';

/** What a job's notes are written to: BullMQ's job. */
export interface Notebook {
  updateProgress(progress: object): Promise<void>;
  log(line: string): Promise<unknown>;
}

export interface JobWriter {
  report(progress: Progress): void;
  log(line: string): void;
  /** Writes what is pending; gives up after `timeoutMs`, since notes must not hold up a job. */
  flush(timeoutMs: number): Promise<void>;
}

/**
 * Progress and log lines of one running job, for Bull Board. Written one after the other (concurrent lines collide on
 * Postgres), progress at most once in `intervalMs` and only its last value; a failed write is told to `onError` and
 * forgotten: the truth about a job's progress is a row.
 */
export function createJobWriter(
  job: Notebook,
  { intervalMs = 250, onError }: { intervalMs?: number; onError: (error: unknown) => void },
): JobWriter {
  let written: Promise<unknown> = Promise.resolve();
  let pending: Progress | undefined;
  let timer: NodeJS.Timeout | undefined;

  const write = (task: () => Promise<unknown>) => {
    written = written.then(task).catch(onError);
  };
  const writeProgress = () => {
    timer = undefined;
    if (pending === undefined) return;
    const progress = { ...pending, phase: printable(pending.phase) };
    pending = undefined;
    write(() => job.updateProgress(progress));
    timer = setTimeout(writeProgress, intervalMs);
  };

  return {
    report(progress) {
      pending = progress;
      if (timer === undefined) writeProgress();
    },
    log: line => write(() => job.log(printable(line))),
    async flush(timeoutMs) {
      clearTimeout(timer);
      writeProgress();
      clearTimeout(timer);
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const deadline = setTimeout(resolve, timeoutMs);
      await Promise.race([written, late]);
      clearTimeout(deadline);
    },
  };
}

/** Text that Postgres stores: U+0000 shown as the replacement character. */
export const printable = (text: string): string => text.replaceAll('\u0000', '\uFFFD');
