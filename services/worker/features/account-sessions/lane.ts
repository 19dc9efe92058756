import {
  type BulkLoginInput,
  bulkLogin,
  bulkLoginLane,
} from '../../../../shared/contracts/account-sessions.ts';
import { isTerminal } from '../../../../shared/contracts/job.ts';
import { AppError, isAppError } from '../../../../shared/kernel/errors.ts';
import { implement } from '../../../../shared/platform/queue/consumer.ts';
import type { LoginOutcome } from '../../../../shared/platform/target/login-client.ts';
import {
  createLoginLane,
  forEachAtOnce,
  type LoginLane,
} from '../../../../shared/platform/target/login-lane.ts';
import { type DueAccount, refuseLogins } from '../../../../shared/store/account-logins.ts';
import { createPasswordKeeper, type PasswordKeeper } from '../../../../shared/store/account-passwords.ts';
import { findJob } from '../../../../shared/store/jobs.ts';
import { isRetryable } from '../../outcome.ts';
import type { AccountSessionsDeps } from './deps.ts';
import { type DueLogins, takeDueLogins } from './due-logins.ts';

/**
 * One lane of a bulk login: takes chunks until there are none. It holds its share of the concurrency and of the rate, so
 * that the lanes together keep to what was asked.
 */
export const runLoginLane = implement(
  bulkLoginLane,
  (deps: AccountSessionsDeps) =>
    async ({ payload: { job_id: jobId, lane, lanes, run }, signal: stopped }) => {
      const input = await inputOf(deps, jobId, run);
      if (input === undefined) return { tried: 0 };
      const lost = new AbortController();
      const signal = AbortSignal.any([stopped, lost.signal]);
      const ratePerSecond = input.rate_per_second === null ? null : input.rate_per_second / lanes;
      const pace = createLoginLane({
        ...{ client: deps.loginClient, origin: input.origin, script: input.login },
        ...{ ratePerSecond, signal },
      });
      const keeper = createPasswordKeeper(deps.vault);
      const atOnce = Math.max(1, Math.floor((input.concurrency + lanes - 1 - lane) / lanes));
      const onFailure = (reason: unknown) => lost.abort(reason);
      const due = takeDueLogins(deps, { jobId, lane, input, signal, onFailure });
      let tried = 0;
      try {
        await forEachAtOnce(due, atOnce, async ({ account, settle }) => {
          await settle(await logIn(account, keeper, pace));
          tried += 1;
        });
      } catch (error) {
        const reason: unknown = lost.signal.reason ?? error;
        if (isAppError(reason, 'lease_lost')) return { tried };
        if (stopped.aborted || mayPass(reason, due)) throw error;
        deps.logger.error({ err: reason, jobId }, 'a bulk login cannot be done');
        await refuseLogins(deps.db, jobId, 'chunk_refused');
      } finally {
        await due.close();
      }
      return { tried };
    },
);

/** How often a chunk is taken at most: what may pass has passed by then, since a lane whose database is away takes none. */
const mostClaims = 20;

/** Lanes are handed out again as long as chunks are open: what stays as it is would go on for ever. */
const mayPass = (error: unknown, due: DueLogins): boolean => isRetryable(error) && due.claims() < mostClaims;

async function inputOf(
  { db }: AccountSessionsDeps,
  jobId: string,
  run: number,
): Promise<BulkLoginInput | undefined> {
  const job = await findJob(db, jobId);
  if (job === undefined || isTerminal(job.status) || job.run !== run) return undefined;
  return bulkLogin.input.parse(job.payload);
}

async function logIn(
  { username, sealedPassword }: DueAccount,
  keeper: PasswordKeeper,
  pace: LoginLane,
): Promise<LoginOutcome> {
  const password = sealedPassword === null ? undefined : opened(keeper, sealedPassword);
  return password === undefined ? { code: 'no_password', ms: 0 } : pace.logIn({ username, password });
}

/** A password under another key is as good as none. */
function opened(keeper: PasswordKeeper, sealed: string): string | undefined {
  try {
    return keeper.open(sealed);
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}
