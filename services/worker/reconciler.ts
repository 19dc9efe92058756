import { isJobKind, jobContracts } from '../../shared/contracts/index.ts';
import type { JobPointer } from '../../shared/contracts/job.ts';
import { messageOf } from '../../shared/kernel/errors.ts';
import { createLoop, type Loop } from '../../shared/kernel/loop.ts';
import type { Logger } from '../../shared/platform/log.ts';
import type { Database, Executor } from '../../shared/platform/postgres/db.ts';
import type { QueueClient } from '../../shared/platform/queue/client.ts';
import { listOpenJobs, markEnqueued } from '../../shared/store/jobs/jobs.ts';
import { asLeader } from '../../shared/store/leadership.ts';

export interface ReconcilerOptions {
  database: Database;
  queue: QueueClient;
  logger: Logger;
  intervalMs?: number;
  /** Younger jobs are left to the API, which enqueues them itself. */
  graceMs?: number;
}

/** A round gives the ids of the jobs that were put back, or undefined when another worker leads. */
export type Reconciler = Loop<string[] | undefined>;

/** Open jobs in one page: their ids are all that is held in memory. */
const pageSize = 1000;

/**
 * Sees to it that the queue has every job that has not ended: after a crash between the row and its queue entry,
 * after a queue store that was wiped or lost its last second, after a job that the queue gave up. Every worker
 * runs one; a pass is done by whichever holds the lock. The rows are the truth, the queue is made to follow: a
 * cancelled job that waits for its next try has it at once, since it ends by it.
 */
export const createReconciler = (options: ReconcilerOptions): Reconciler =>
  createLoop({
    name: 'reconciler',
    intervalMs: options.intervalMs ?? 3000,
    runOnce: () => asLeader(options.database.db, 'reconciler', tx => reconcile(tx, options)),
    onError: error => options.logger.warn({ reason: messageOf(error) }, 'a reconciler pass failed'),
  });

const pointerTo = ({ id }: { id: string }): JobPointer => ({ job_id: id });

async function reconcile(
  db: Executor,
  { queue, logger, graceMs = 2000 }: ReconcilerOptions,
): Promise<string[]> {
  const revived: string[] = [];
  let afterId: string | undefined;
  for (;;) {
    const page = await listOpenJobs(db, { afterId, olderThanMs: graceMs, limit: pageSize });
    for (const [kind, jobs] of Map.groupBy(page, job => job.kind)) {
      if (!isJobKind(kind)) continue; // another version's: its workers see to it
      const contract = jobContracts[kind];
      revived.push(...(await queue.reviveAll(contract, jobs.map(pointerTo))));
      const cancelled = jobs.filter(job => job.cancelRequestedAt !== null);
      await Promise.all(cancelled.map(job => queue.promote(contract, pointerTo(job))));
    }
    await markEnqueued(
      db,
      page.filter(job => job.enqueuedAt === null).map(job => job.id),
    );
    if (page.length < pageSize) break;
    afterId = page.at(-1)?.id;
  }
  if (revived.length > 0)
    logger.warn({ jobIds: revived.slice(0, 20), count: revived.length }, 'jobs put back into the queue');
  return revived;
}
