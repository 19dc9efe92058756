import {
  type BulkLoginInput,
  bulkLogin,
  bulkLoginLane,
} from '../../../../shared/contracts/account-sessions.ts';
import { isTerminal } from '../../../../shared/contracts/job.ts';
import { AppError, isAppError } from '../../../../shared/kernel/errors.ts';
import { implement } from '../../../../shared/platform/queue/consumer.ts';
import {
  createLoginLane,
  forEachAtOnce,
  type LoginLane,
} from '../../../../shared/platform/target/login-lane.ts';
import {
  claimLoginChunk,
  concludeLoginChunk,
  type LoginChunkLease,
  listDueAccounts,
} from '../../../../shared/store/account-logins.ts';
import { createPasswordKeeper, type PasswordKeeper } from '../../../../shared/store/account-passwords.ts';
import { findJob } from '../../../../shared/store/jobs.ts';
import { createChunkBook } from './chunk-book.ts';
import type { AccountSessionsDeps } from './deps.ts';

/** What one lane works with, chunk after chunk. */
interface LaneTools {
  input: BulkLoginInput;
  pace: LoginLane;
  keeper: PasswordKeeper;
  atOnce: number;
  /** Ends the lane: its chunk is another's, or its sessions cannot be written. */
  giveUp: (reason: unknown) => void;
}

/**
 * One lane of a bulk login: takes chunks until there are none. It holds its share of the concurrency and of the rate, so
 * that the lanes together keep to what was asked.
 */
export const runLoginLane = implement(
  bulkLoginLane,
  (deps: AccountSessionsDeps) =>
    async ({ payload: { job_id: jobId, lane, lanes, run }, signal: stopped }) => {
      const input = await inputOf(deps, jobId, run);
      if (input === undefined) return { chunks: 0 };
      const lost = new AbortController();
      const signal = AbortSignal.any([stopped, lost.signal]);
      const ratePerSecond = input.rate_per_second === null ? null : input.rate_per_second / lanes;
      const tools: LaneTools = {
        input,
        pace: createLoginLane({
          client: deps.loginClient,
          ...input,
          script: input.login,
          ratePerSecond,
          signal,
        }),
        keeper: createPasswordKeeper(deps.vault),
        atOnce: Math.max(1, Math.floor((input.concurrency + lanes - 1 - lane) / lanes)),
        giveUp: reason => lost.abort(reason),
      };
      for (let chunks = 0; ; chunks++) {
        signal.throwIfAborted();
        const lease = await claimLoginChunk(deps.db, { jobId, lane, worker: deps.workerName });
        if (lease === undefined) return { chunks };
        try {
          await logInChunk(deps, lease, tools);
        } catch (error) {
          if (isAppError(lost.signal.reason, 'lease_lost')) return { chunks };
          throw error;
        }
      }
    },
);

async function inputOf(
  { db }: AccountSessionsDeps,
  jobId: string,
  run: number,
): Promise<BulkLoginInput | undefined> {
  const job = await findJob(db, jobId);
  if (job === undefined || isTerminal(job.status) || job.run !== run) return undefined;
  return bulkLogin.input.parse(job.payload);
}

async function logInChunk(
  deps: AccountSessionsDeps,
  lease: LoginChunkLease,
  tools: LaneTools,
): Promise<void> {
  const { input, pace, keeper, atOnce, giveUp } = tools;
  const due = await listDueAccounts(deps.db, lease, input);
  const book = createChunkBook(deps, lease, { origin: input.origin, onFailure: giveUp });
  try {
    await forEachAtOnce(due, atOnce, async ({ id, username, sealedPassword }) => {
      const password = sealedPassword === null ? undefined : opened(keeper, sealedPassword);
      if (password === undefined) book.add(id, { code: 'no_password', ms: 0 });
      else book.add(id, await pace.logIn({ username, password }));
    });
  } finally {
    await book.close();
  }
  await concludeLoginChunk(deps.db, lease);
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
