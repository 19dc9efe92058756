import type { Refusal } from '../../shared/contracts/refusal.ts';
import { AppError, isAppError, messageOf } from '../../shared/kernel/errors.ts';
import type { Logger } from '../../shared/platform/log.ts';
import { sqlMessageOf } from '../../shared/platform/postgres/sql-state.ts';
import type { QueueClient } from '../../shared/platform/queue/client.ts';
import type { QueueContract } from '../../shared/platform/queue/contract.ts';
import type { JobContext } from '../../shared/platform/queue/job-run.ts';
import { guardRefusalOf } from '../../shared/store/guards/refusal.ts';
import { isOutage, isRetryable } from './outcome.ts';

/**
 * The end of trying. A conductor hands a task out again for as long as its ledger says that it is not done, so a task that
 * meets what no further try gets past, or has had all its tries, must say so: it completes, with a refusal. Only an
 * outage is waited for however long it takes.
 */
type Try = Pick<JobContext<unknown>, 'signal' | 'isLastAttempt'>;

/** Why there is to be no further try; undefined when there is. */
export function refusalOf(error: unknown, { signal, isLastAttempt }: Try): Refusal | undefined {
  const final = guardRefusalOf(error) ?? error;
  const isSpent = isLastAttempt && !isOutage(final);
  if (signal.aborted || (isRetryable(final) && !isSpent)) return undefined;
  return {
    code: isAppError(final) ? final.code : 'internal_error',
    message: sqlMessageOf(final) ?? messageOf(final),
  };
}

/** Does the work of a task; what ends its tries becomes its result, where `createRevival` finds it. */
export async function orRefusal<Result extends object>(
  logger: Logger,
  context: Try & Pick<JobContext<unknown>, 'jobId'>,
  nothing: Result,
  work: () => Promise<Result>,
): Promise<Result & { refusal?: Refusal }> {
  try {
    return await work();
  } catch (error) {
    const refusal = refusalOf(error, context);
    if (refusal === undefined) throw error;
    logger.error({ err: error, task: context.jobId }, 'a task cannot be done');
    return { ...nothing, refusal };
  }
}

/** How often tasks that are not done are checked against the queue, which may have lost them. */
const reviveEveryMs = 5_000;

/**
 * Has the tasks that are not done put back where the queue lost them, every few seconds.
 * @param checkedAt when they were handed out; `-Infinity` when the first look is to do that
 * @throws AppError `chunk_refused` when one of them ended with a refusal: the others cannot be expected to get past it
 */
export function createRevival<Payload, Result extends { refusal?: Refusal | undefined }>(
  queue: QueueClient,
  contract: QueueContract<Payload, Result>,
  checkedAt = performance.now(),
) {
  let lastAt = checkedAt;
  return async function revive(openTasks: () => Payload[] | Promise<Payload[]>): Promise<void> {
    if (performance.now() - lastAt < reviveEveryMs) return;
    lastAt = performance.now();
    const tasks = await openTasks();
    for (const { refusal } of await queue.results(contract, tasks)) {
      if (refusal !== undefined) throw new AppError('chunk_refused', refusal.message);
    }
    await queue.reviveAll(contract, tasks);
  };
}
