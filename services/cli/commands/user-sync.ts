import type { Command } from 'commander';
import {
  getSyncStatusOperation,
  listSyncDifferencesOperation,
  listSyncRunsOperation,
  syncUsersOperation,
} from '../../../shared/http/user-sync.ts';
import { wholeNumber } from '../arguments.ts';
import { submitAndTell } from '../await-job.ts';
import type { Act, Context } from '../context.ts';
import { CliFailure } from '../failure.ts';
import { facts, table } from '../output.ts';

interface SyncOptions {
  peer?: string;
  file?: string;
  direction?: string;
  batch?: string;
  since?: string;
  policy?: string;
  full?: boolean;
  dryRun?: boolean;
  confirm?: boolean;
  follow?: boolean;
}

/** `muster users sync ...`: makes the load tester and the application have the same users, and tells whether they do. */
export function addUserSyncCommands(users: Command, act: Act): void {
  users
    .command('sync')
    .description('make the load tester and the application have the same users')
    .option(
      '--peer <url>',
      'another Muster instead of the built-in pool; its key is read from MUSTER_PEER_API_KEY',
    )
    .option('--file <name>', 'a file for a load tester instead: exports/<name>.json in the data folder')
    .option('--direction <direction>', 'push | pull | bidirectional')
    .option('--batch <id>', 'users of this batch only')
    .option('--since <time>', 'what was changed at this time or later, as ISO 8601')
    .option('--policy <policy>', 'newest | application | load_tester: who wins where both sides changed')
    .option('--full', 'send everything, and delete what the sender does not have')
    .option('--dry-run', 'count only')
    .option('--confirm', 'let pass many deletions')
    .option('-f, --follow', 'show the progress and wait for the end')
    .action(act((context, options: SyncOptions) => syncUsers(context, options)));
  users
    .command('sync-status')
    .description('whether both sides have the same users')
    .option('--batch <id>', 'users of this batch only')
    .action(act(showStatus));
  users
    .command('sync-runs')
    .description('list syncs, newest first')
    .option('--limit <n>', 'how many', wholeNumber(1))
    .action(act(listRuns));
  users
    .command('sync-differences')
    .description('the users who are not the same on both sides, and in what they differ')
    .option('--batch <id>', 'users of this batch only')
    .option('--limit <n>', 'how many', wholeNumber(1))
    .action(act(listDifferences));
}

async function syncUsers(context: Context, options: SyncOptions): Promise<void> {
  const body = {
    target: targetOf(context, options),
    direction: options.direction,
    filter_criteria: { batch_id: options.batch, modified_since: options.since },
    conflict_policy: options.policy,
    full: options.full,
    dry_run: options.dryRun,
    confirm: options.confirm,
  };
  await submitAndTell(context, client => client.submit(syncUsersOperation, { body }), options);
}

function targetOf({ config }: Context, { peer, file }: SyncOptions) {
  if (peer !== undefined && file !== undefined)
    throw new CliFailure('usage', 'Give --peer or --file, not both');
  if (file !== undefined) return { type: 'file', name: file };
  if (peer === undefined) return 'load_tester';
  const { MUSTER_PEER_API_KEY: peerApiKey } = config;
  if (peerApiKey === undefined)
    throw new CliFailure('usage', 'Set MUSTER_PEER_API_KEY to a key of the other Muster');
  return { type: 'http', base_url: peer, api_key: peerApiKey };
}

async function showStatus({ out, connect }: Context, { batch }: { batch?: string }): Promise<void> {
  const status = await (await connect()).read(getSyncStatusOperation, { query: { batch_id: batch } });
  out.result(status, ({ application, load_tester: pool, last_run: last }) =>
    facts([
      ['in sync', status.in_sync ? 'yes' : `no: ${status.differing_buckets} of 4096 buckets differ`],
      ['application', `${application.total_users} users, digest ${application.digest}`],
      ['load tester', `${pool.total_users} users, digest ${pool.digest}`],
      ['last run', last === null ? 'none' : `${last.status}, ${last.created_at}`],
      ['next run', status.next_run ?? 'not scheduled'],
    ]),
  );
}

async function listRuns({ out, connect }: Context, { limit }: { limit?: number }): Promise<void> {
  const page = await (await connect()).read(listSyncRunsOperation, { query: { limit } });
  out.page(page, ({ items }) =>
    table([
      ['SYNC', 'STATUS', 'TARGET', 'DIRECTION', 'CREATED', 'UPDATED', 'DELETED', 'IN SYNC', 'AT'],
      ...items.map(({ result, ...run }) => [
        run.id,
        run.status,
        run.target.type,
        run.direction,
        String(result?.created ?? '-'),
        String(result?.updated ?? '-'),
        String(result?.deleted ?? '-'),
        result === null ? '-' : result.in_sync ? 'yes' : 'no',
        run.created_at,
      ]),
    ]),
  );
}

async function listDifferences(
  { out, connect }: Context,
  { batch, limit }: { batch?: string; limit?: number },
): Promise<void> {
  const client = await connect();
  const page = await client.read(listSyncDifferencesOperation, { query: { batch_id: batch, limit } });
  out.page(page, ({ items }) =>
    table([
      ['USERNAME', 'DIFFERENCE', 'FIELDS'],
      ...items.map(({ username, difference, fields }) => [username, difference, fields.join(', ')]),
    ]),
  );
}
