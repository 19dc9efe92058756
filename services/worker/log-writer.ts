import { messageOf } from '../../shared/kernel/errors.ts';
import type { Logger } from '../../shared/platform/log.ts';
import type { Executor } from '../../shared/platform/postgres/db.ts';
import { appendLog } from '../../shared/store/jobs/job-events.ts';

export interface LogWriterOptions {
  db: Executor;
  jobId: string;
  logger: Logger;
}

/**
 * Writes the lines of a job's log in their order, while the work goes on. A line that cannot be written is left
 * out: a log is never a reason for a job to fail.
 */
export function createLogWriter({ db, jobId, logger }: LogWriterOptions) {
  let written: Promise<void> = Promise.resolve();

  async function write(line: string): Promise<void> {
    try {
      await appendLog(db, jobId, line);
    } catch (error) {
      logger.warn({ jobId, reason: messageOf(error) }, 'a log line was lost');
    }
  }

  return {
    append(line: string): void {
      written = written.then(() => write(line));
    },
    /** Resolves when every line is written: a job's end, the last of its events, comes after them. */
    flush: (): Promise<void> => written,
  };
}
