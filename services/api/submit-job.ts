import type { JobContract } from '../../shared/contracts/job.ts';
import { newId } from '../../shared/kernel/ids.ts';
import type { Executor } from '../../shared/platform/postgres/db.ts';
import type { QueueClient } from '../../shared/platform/queue/client.ts';
import { insertJob, type JobRow } from '../../shared/store/jobs/jobs.ts';
import type { Actor, CallContext } from './route.ts';

export interface Submission {
  db: Executor;
  actor: Actor;
  afterCommit: CallContext['afterCommit'];
}

/**
 * Submits a job: its row in the call's transaction, its queue entry once that is committed. A process that dies
 * between the two leaves the row's outbox mark, by which the workers' reconciler enqueues it.
 */
export async function submitJob<Input, Result>(
  { db, actor, afterCommit }: Submission,
  queue: QueueClient,
  contract: JobContract<Input, Result>,
  input: Input,
  id: string = newId(),
): Promise<JobRow> {
  const payload = contract.input.parse(input);
  const row = await insertJob(db, { id, kind: contract.name, payload, requestedBy: actor.name });
  afterCommit(() => queue.enqueue(contract, { job_id: id }));
  return row;
}
