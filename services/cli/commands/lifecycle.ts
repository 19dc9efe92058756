import type { Command } from 'commander';
import {
  cleanUpOperation,
  identifyUsersOperation,
  listCleanupCandidatesOperation,
} from '../../../shared/http/bulk-lifecycle.ts';
import { wholeNumber } from '../arguments.ts';
import { submitAndTell } from '../await-job.ts';
import type { Client } from '../client.ts';
import type { Act, Context } from '../context.ts';
import { CliFailure } from '../failure.ts';
import { facts, table } from '../output.ts';

interface CleanUpOptions {
  olderThanDays?: number;
  dryRun?: boolean;
  confirm?: boolean;
  follow?: boolean;
}

/** `muster users cleanup | candidates | identify`: the end of test users. */
export function addLifecycleCommands(users: Command, act: Act): void {
  users
    .command('cleanup [batch]')
    .description('delete the users of a batch, or of all batches older than some days')
    .option('--older-than-days <n>', 'every batch that is older; 0 for all', wholeNumber(0))
    .option('--dry-run', 'show what would be deleted, and delete nothing')
    .option('--confirm', 'yes, every batch that is older')
    .option('-f, --follow', 'show the progress and wait for the end')
    .action(act((context, options: CleanUpOptions, batch) => cleanUp(context, options, batch)));
  users
    .command('candidates')
    .description('list batches past retention, oldest first')
    .option('--older-than-days <n>', 'instead of the setting retention_days', wholeNumber(0))
    .option('--limit <n>', 'how many', wholeNumber(1))
    .action(act(listCandidates));
  users
    .command('identify')
    .description('count test users, production users, and those who look like the other')
    .action(act(identify));
}

function cleanUp(context: Context, options: CleanUpOptions, batch: string): Promise<void> {
  const {
    olderThanDays: older_than_days,
    dryRun: dry_run = false,
    confirm = false,
    follow = false,
  } = options;
  if ((batch === '') === (older_than_days === undefined)) {
    throw new CliFailure('usage', 'Name a batch or give --older-than-days, one of both');
  }
  const which = batch === '' ? { older_than_days, confirm } : { batch_id: batch };
  const submit = (client: Client) => client.submit(cleanUpOperation, { body: { ...which, dry_run } });
  return submitAndTell(context, client => submit(client).catch(askForConfirmation), {
    follow: follow || dry_run,
  });
}

/** The API says how its own callers confirm. */
function askForConfirmation(error: unknown): never {
  if (!(error instanceof CliFailure) || error.problem?.code !== 'confirmation_required') throw error;
  throw new CliFailure(error.kind, error.problem.title, {
    problem: error.problem,
    hint: 'See with --dry-run which batches would be deleted, then give --confirm.',
    cause: error,
  });
}

async function listCandidates(
  { out, connect }: Context,
  { olderThanDays: older_than_days, limit }: { olderThanDays?: number; limit?: number },
): Promise<void> {
  const page = await (await connect()).read(listCleanupCandidatesOperation, {
    query: { older_than_days, limit },
  });
  out.page(page, ({ items }) =>
    table([
      ['BATCH', 'CREATION', 'USERS', 'DAYS OLD', 'AT'],
      ...items.map(batch => [
        batch.batch_id,
        batch.status ?? 'synced',
        String(batch.users),
        String(batch.age_days),
        batch.created_at,
      ]),
    ]),
  );
}

async function identify({ out, connect }: Context): Promise<void> {
  const found = await (await connect()).read(identifyUsersOperation);
  out.result(found, ({ total_users, test_users, production_users, suspect_users, missing_users }) => [
    ...facts([
      ['users', total_users],
      ['  test users', test_users.count],
      ['  production users', production_users.count],
      ['suspect', suspect_users.count],
      ...Object.entries(suspect_users.by_reason).map(([reason, users]): [string, number] => [
        `  ${reason}`,
        users,
      ]),
      ['missing', missing_users],
    ]),
    ...suspect_users.samples.map(({ username, email, reason }) => `  ${username} <${email}>: ${reason}`),
  ]);
}
