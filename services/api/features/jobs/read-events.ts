import { isTerminal } from '../../../../shared/contracts/job.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import { readJobEvents } from '../../../../shared/store/jobs/job-events.ts';
import { findJob } from '../../../../shared/store/jobs/jobs.ts';
import type { Look } from '../../event-stream.ts';

const pageSize = 500;

/** The events of a job after one of them, and whether they were the last. */
export async function lookAtJob(db: Executor, jobId: string, afterId: number): Promise<Look> {
  const row = await findJob(db, jobId);
  const ended = row === undefined || isTerminal(row.status);
  const events = await readJobEvents(db, jobId, afterId, pageSize);
  return { events, more: events.length === pageSize, ended };
}
