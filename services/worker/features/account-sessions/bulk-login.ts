import {
  type BulkLoginInput,
  type BulkLoginResult,
  bulkLogin,
  bulkLoginLane,
} from '../../../../shared/contracts/account-sessions.ts';
import { isAppError } from '../../../../shared/kernel/errors.ts';
import { sleep } from '../../../../shared/kernel/time.ts';
import {
  type LoginTally,
  loginP95,
  planLogins,
  reopenLogins,
  tallyLogins,
  withdrawLogins,
} from '../../../../shared/store/accounts/account-logins.ts';
import { countAliveWorkers } from '../../../../shared/store/workers.ts';
import { cancelledWith, implementJob, type JobCall } from '../../job-runner.ts';
import { createRevival } from '../../refusal.ts';
import type { AccountSessionsDeps } from './deps.ts';

type Call = JobCall<BulkLoginInput>;

const pollMs = 250;
/** Once every chunk is taken: the end is near, and somebody may wait for it. */
const lastPollMs = 50;

/**
 * The conductor of a bulk login. It logs nobody in itself: it plans chunks, hands out lanes, watches the ledger. Each
 * step may be done twice, by a conductor that follows one that died.
 */
export const runBulkLogin = implementJob(bulkLogin, (deps: AccountSessionsDeps) => async call => {
  const { db } = deps;
  try {
    const { jobId, input, run } = call;
    const lanes = Math.min(input.concurrency, Math.max(1, await countAliveWorkers(db)));
    await planLogins(db, { jobId, scope: input, lanes });
    if (run > 0) await reopenLogins(db, { jobId, run });
    return await resultOf(deps, call, await watch(deps, call));
  } catch (error) {
    const isCancelled = isAppError(call.signal.reason, 'cancelled');
    if (isCancelled || isAppError(error, 'chunk_refused')) await withdrawLogins(db, call.jobId);
    if (!isCancelled) throw error;
    throw cancelledWith(await resultOf(deps, call, await tallyLogins(db, call.jobId)));
  }
});

/** Hands out the lanes and waits until every chunk is done, or a lane is refused. */
async function watch({ db, queue }: AccountSessionsDeps, call: Call): Promise<LoginTally> {
  const { jobId: job_id, run, signal, report } = call;
  const revive = createRevival(queue, bulkLoginLane, -Infinity);
  for (;;) {
    signal.throwIfAborted();
    const tally = await tallyLogins(db, job_id);
    report({ phase: 'logging in', done: tally.loggedIn + failedOf(tally), total: tally.accounts });
    if (tally.chunksDone === tally.chunks) return tally;
    const { lanes } = tally;
    await revive(() => Array.from({ length: lanes }, (_, lane) => ({ job_id, lane, lanes, run })));
    await sleep(tally.chunksPending > 0 ? pollMs : lastPollMs, signal);
  }
}

const failedOf = ({ failures }: LoginTally): number =>
  Object.values(failures).reduce((sum, times) => sum + times, 0);

async function resultOf(
  { db }: AccountSessionsDeps,
  { jobId, startedAt }: Call,
  tally: LoginTally,
): Promise<BulkLoginResult> {
  const failed = failedOf(tally);
  const p95 = await loginP95(db, jobId);
  return {
    attempted: tally.loggedIn + failed,
    logged_in: tally.loggedIn,
    failed,
    failures: tally.failures,
    duration: Math.max(0, Date.now() - startedAt.getTime()) / 1000,
    p95_ms: p95 === null ? null : Math.round(p95 * 10) / 10,
  };
}
