import type { Command } from 'commander';
import { bulkLoginOperation, getSessionsOperation } from '../../../shared/http/account-sessions.ts';
import { positiveNumber, wholeNumber } from '../arguments.ts';
import { submitAndTell } from '../await-job.ts';
import type { Act, Context } from '../context.ts';
import { facts, table } from '../output.ts';

interface LoginOptions {
  batch?: string;
  target?: string;
  concurrency?: number;
  rate?: number;
  limit?: number;
  force?: boolean;
  follow?: boolean;
}

/** `muster users login`, `muster users sessions`: the accounts of the pool at their targets. */
export function addSessionCommands(users: Command, act: Act): void {
  users
    .command('login')
    .description('log accounts of the pool in at a target, and keep their sessions')
    .option('--batch <id>', 'accounts of this batch; default: all')
    .option('-t, --target <url>', 'default: the storefront')
    .option('--concurrency <n>', 'logins at once, over all workers', wholeNumber(1))
    .option('--rate <n>', 'logins a second at most', positiveNumber)
    .option('--limit <n>', 'accounts at most', wholeNumber(1))
    .option('--force', 'log in again where there is a session')
    .option('-f, --follow', 'show the progress and wait for the end')
    .action(act((context, options: LoginOptions) => logIn(context, options)));
  users
    .command('sessions')
    .description('how many accounts are logged in, and where')
    .option('--batch <id>', 'accounts of this batch; default: all')
    .action(act((context, options: { batch?: string }) => showSessions(context, options)));
}

function logIn(context: Context, options: LoginOptions): Promise<void> {
  const body = {
    batch_id: options.batch,
    target_url: options.target,
    concurrency: options.concurrency,
    rate_per_second: options.rate,
    limit: options.limit,
    force: options.force,
  };
  return submitAndTell(context, client => client.submit(bulkLoginOperation, { body }), options);
}

async function showSessions({ out, connect }: Context, { batch }: { batch?: string }): Promise<void> {
  const sessions = await (await connect()).read(getSessionsOperation, { query: { batch_id: batch } });
  out.result(sessions, ({ accounts, leased, targets }) => [
    ...facts([
      ['accounts', accounts],
      ['  held by load tests', leased],
    ]),
    ...table([
      ['TARGET', 'ACTIVE', 'EXPIRED', 'FAILED', 'WHY'],
      ...targets.map(({ origin, active, expired, failed, failures }) => [
        origin,
        String(active),
        String(expired),
        String(failed),
        Object.entries(failures)
          .map(([code, times]) => `${code} ${times}`)
          .join(', '),
      ]),
    ]),
  ]);
}
