import { isTerminal } from '../../../../shared/contracts/job.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import { createLoop } from '../../../../shared/kernel/loop.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import { findJob } from '../../../../shared/store/jobs/jobs.ts';

/** A page has no row that could be cancelled, its run has: a signal that aborts within a second of that. */
export function watchRun(db: Executor, runId: string) {
  const cancelled = new AbortController();
  const loop = createLoop({
    name: 'run watch',
    intervalMs: 700,
    runOnce: async () => {
      const job = await findJob(db, runId);
      const isOver = job === undefined || isTerminal(job.status) || job.cancelRequestedAt !== null;
      if (isOver) cancelled.abort(new AppError('cancelled'));
    },
    onError: () => {}, // the next look is soon
  });
  loop.start();
  return { signal: cancelled.signal, stop: loop.stop };
}
