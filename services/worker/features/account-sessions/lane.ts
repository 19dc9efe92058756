import {
  type BulkLoginInput,
  bulkLogin,
  bulkLoginLane,
} from '../../../../shared/contracts/account-sessions.ts';
import { isTerminal } from '../../../../shared/contracts/job.ts';
import { AppError, isAppError } from '../../../../shared/kernel/errors.ts';
import { implement } from '../../../../shared/platform/queue/consumer.ts';
import type { PayloadOf } from '../../../../shared/platform/queue/contract.ts';
import type { LoginOutcome } from '../../../../shared/platform/target/login-client.ts';
import {
  createLoginLane,
  forEachAtOnce,
  type LoginLane,
} from '../../../../shared/platform/target/login-lane.ts';
import type { DueAccount } from '../../../../shared/store/accounts/account-logins.ts';
import {
  createPasswordKeeper,
  type PasswordKeeper,
} from '../../../../shared/store/accounts/account-passwords.ts';
import { findJob } from '../../../../shared/store/jobs/jobs.ts';
import { orRefusal } from '../../refusal.ts';
import type { AccountSessionsDeps } from './deps.ts';
import { takeDueLogins } from './due-logins.ts';

const nothing = { tried: 0 };

/**
 * One lane of a bulk login: takes chunks until there are none. It holds its share of the concurrency and of the rate, so
 * that the lanes together keep to what was asked. One that no further try gets past says so in its result.
 */
export const runLoginLane = implement(
  bulkLoginLane,
  (deps: AccountSessionsDeps) => context =>
    orRefusal(deps.logger, context, nothing, () => logChunksIn(deps, context.payload, context.signal)),
);

async function logChunksIn(
  deps: AccountSessionsDeps,
  { job_id: jobId, lane, lanes, run }: PayloadOf<typeof bulkLoginLane>,
  stopped: AbortSignal,
) {
  const input = await inputOf(deps, jobId, run);
  if (input === undefined) return nothing;
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
    if (!isAppError(lost.signal.reason, 'lease_lost')) throw lost.signal.reason ?? error;
  } finally {
    await due.close();
  }
  return { tried };
}

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
