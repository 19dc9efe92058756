import type { JobContract, JobPointer } from '../../shared/contracts/job.ts';
import { AppError, isAppError, messageOf } from '../../shared/kernel/errors.ts';
import type { Logger } from '../../shared/platform/log.ts';
import type { Executor } from '../../shared/platform/postgres/db.ts';
import { sqlMessageOf } from '../../shared/platform/postgres/sql-state.ts';
import { type Implementation, implement } from '../../shared/platform/queue/consumer.ts';
import type { Progress } from '../../shared/platform/queue/contract.ts';
import type { JobContext } from '../../shared/platform/queue/job-run.ts';
import {
  claimJob,
  finishJob,
  handBackJob,
  type JobEnd,
  type JobLease,
  releaseJob,
} from '../../shared/store/jobs/job-runs.ts';
import type { JobRow } from '../../shared/store/jobs/jobs.ts';
import { createLogWriter } from './log-writer.ts';
import { isRetryable } from './outcome.ts';
import { createProgressWriter } from './progress-writer.ts';

/**
 * Runs jobs that have a row: takes the row under a new epoch, calls the feature's work, writes how it ended.
 *
 *   the row has ended ────────────► nothing to do, the queue entry completes; so it does when another worker takes
 *                                   the row at the same time
 *   too many workers died ────────► failed, without another try: it is what kills them
 *   work gives a result ──────────► what the contract's `outcome` makes of it
 *   work throws `cancelled` ──────► cancelled, with the result in the error's details, if any
 *   work throws, shutting down ───► queued again, the try not counted
 *   work throws, lease lost ──────► nothing: the row is another worker's
 *   work throws, may pass ────────► queued again until the attempts run out
 *   work throws otherwise ────────► failed
 */
export interface JobCall<Input> {
  jobId: string;
  input: Input;
  /** Raised by each retry that a person asks for. */
  run: number;
  /** Raised each time that a worker takes the job: what fences the writes of one that was overtaken. */
  epoch: number;
  /** When it was asked for: the same in every run. */
  submittedAt: Date;
  startedAt: Date;
  report(progress: Progress): void;
  log(line: string): void;
  /** Aborts with `cancelled`, `shutting_down` or `lease_lost`. */
  signal: AbortSignal;
}

export type JobWork<Input, Result> = (call: JobCall<Input>) => Promise<Result>;

export interface JobRunnerDeps {
  db: Executor;
  /** Shown as the job's worker. */
  workerName: string;
  logger: Logger;
}

/** Declares what runs a job kind: `implementJob(contract, deps => async call => result)`. */
export const implementJob = <Input, Result, Deps extends JobRunnerDeps>(
  contract: JobContract<Input, Result>,
  create: (deps: Deps) => JobWork<Input, Result>,
): Implementation<JobPointer, Result | null, Deps> =>
  implement(contract, (deps: Deps) => {
    const work = create(deps);
    return context => runJob(deps, contract, work, context);
  });

/** To be thrown by work that stopped because its signal said so, with what it had done until then. */
export const cancelledWith = (result: unknown): AppError =>
  new AppError('cancelled', undefined, { details: result });

/**
 * How many times a run may be taken beyond its tries: by one worker after another that died under it, or lost it. A
 * queue gives up after as many stalls, but the reconciler puts back what the rows have open.
 */
const maxLosses = 25;

async function runJob<Input, Result>(
  deps: JobRunnerDeps,
  contract: JobContract<Input, Result>,
  work: JobWork<Input, Result>,
  context: JobContext<JobPointer>,
): Promise<Result | null> {
  const row = await claimJob(deps.db, context.payload.job_id, deps.workerName);
  if (row === undefined) return null;
  const lease: JobLease = { id: row.id, epoch: row.epoch };
  if (row.attempts > context.attempts + maxLosses) {
    await finish(deps, lease, { status: 'failed', error: workersDied(row.attempts - 1) });
    return null;
  }
  const journal = openJournal(deps, lease, context);
  const signals = [context.signal, journal.lost];
  if (row.cancelRequestedAt !== null) signals.push(AbortSignal.abort(new AppError('cancelled')));
  const signal = AbortSignal.any(signals);
  try {
    const result = contract.output.parse(await work(callOf(contract, row, journal, signal)));
    await journal.flush();
    await finish(deps, lease, { ...contract.outcome(result), result });
    return result;
  } catch (error) {
    await journal.flush();
    await settle(deps, lease, context, signal, error);
    return null;
  }
}

/** What a run says of itself while it goes on, written to the job's row and events and shown in the queue. */
function openJournal({ db, logger }: JobRunnerDeps, lease: JobLease, context: JobContext<JobPointer>) {
  const lost = new AbortController();
  const onLost = () => lost.abort(new AppError('lease_lost'));
  const progress = createProgressWriter({ db, lease, onLost });
  const log = createLogWriter({ db, jobId: lease.id, logger });
  return {
    report(news: Progress): void {
      context.report(news);
      progress.save(news);
    },
    log(line: string): void {
      context.log(line);
      log.append(line);
    },
    /** Resolves when all of it is written, which is before the job's end: that is the last of its events. */
    async flush(): Promise<void> {
      await Promise.all([progress.flush(), log.flush()]);
    },
    lost: lost.signal,
  };
}

function callOf<Input, Result>(
  contract: JobContract<Input, Result>,
  row: JobRow,
  { report, log }: Pick<JobCall<Input>, 'report' | 'log'>,
  signal: AbortSignal,
): JobCall<Input> {
  const input = contract.input.safeParse(row.payload);
  if (!input.success) {
    throw new AppError(
      'payload_unreadable',
      `The payload of the job does not fit ${contract.name}: ${input.error.message}`,
    );
  }
  return {
    jobId: row.id,
    input: input.data,
    run: row.run,
    epoch: row.epoch,
    submittedAt: row.createdAt,
    startedAt: row.startedAt ?? row.createdAt,
    signal,
    report,
    log,
  };
}

async function settle(
  deps: JobRunnerDeps,
  lease: JobLease,
  context: JobContext<JobPointer>,
  signal: AbortSignal,
  error: unknown,
): Promise<void> {
  if (isAppError(error, 'cancelled'))
    return finish(deps, lease, { status: 'cancelled', result: error.details ?? null });
  if (isAppError(signal.reason, 'lease_lost')) throw signal.reason;
  if (isAppError(signal.reason, 'shutting_down')) {
    await handBackJob(deps.db, lease);
    throw signal.reason;
  }
  const failure = { code: codeOf(error), message: sqlMessageOf(error) ?? messageOf(error) };
  deps.logger.error({ err: error, jobId: lease.id }, 'a try of the job failed');
  if (isRetryable(error) && !context.isLastAttempt) await releaseJob(deps.db, lease, failure);
  else await finish(deps, lease, { status: 'failed', error: failure });
  throw error;
}

const workersDied = (times: number) => ({
  code: 'worker_died',
  message: `The job was taken ${times} times and never ended: its workers die of it, or cannot keep it`,
});

const codeOf = (error: unknown): string => (error instanceof AppError ? error.code : 'internal_error');

async function finish({ db, logger }: JobRunnerDeps, lease: JobLease, end: JobEnd): Promise<void> {
  const finished = await finishJob(db, lease, end);
  if (!finished)
    logger.warn({ jobId: lease.id }, 'another worker took the job over: its end is not ours to write');
}
