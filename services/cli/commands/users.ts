import type { Command } from 'commander';
import {
  createBulkUsersOperation,
  getBatchOperation,
  getBulkUserStatsOperation,
  listBatchesOperation,
  listBatchFailuresOperation,
} from '../../../shared/http/bulk-users.ts';
import { wholeNumber } from '../arguments.ts';
import { submitAndTell } from '../await-job.ts';
import type { Act, Context } from '../context.ts';
import { facts, table } from '../output.ts';
import { addLifecycleCommands } from './lifecycle.ts';
import { addSessionCommands } from './sessions.ts';
import { addUserSyncCommands } from './user-sync.ts';

interface CreateOptions {
  count: number;
  template?: string;
  pattern?: string;
  password?: string;
  role?: string;
  onError?: string;
  batchSize?: number;
  follow?: boolean;
}

/** `muster users ...`: bulk creation of test users, and what became of it. */
export function addUsersCommands(program: Command, act: Act): void {
  const users = program
    .command('users')
    .alias('bulk-users')
    .description('create test users, see what became of them, and delete them');
  users
    .command('create')
    .description('create test users in the application')
    .requiredOption('-n, --count <n>', 'how many', wholeNumber(1))
    .option('--pattern <pattern>', 'usernames, with {id} for the number: load_{id}@example.com')
    .option('--password <password>', 'the password of all of them')
    .option('--template <name>', 'what the other options leave out (muster templates list)')
    .option('--role <role>', 'their role in the application')
    .option('--on-error <what>', 'continue | rollback')
    .option('--batch-size <n>', 'users in one chunk', wholeNumber(1))
    .option('-f, --follow', 'show the progress and wait for the end')
    .action(act((context, options: CreateOptions) => createUsers(context, options)));
  users
    .command('batches')
    .description('list batches, newest first')
    .option('--limit <n>', 'how many', wholeNumber(1))
    .action(act(listBatches));
  users.command('batch <id>').description('one batch, and which worker did how much').action(act(showBatch));
  users
    .command('failures <id>')
    .description('the users of a batch that could not be created')
    .option('--limit <n>', 'how many', wholeNumber(1))
    .action(act(listFailures));
  users.command('stats').description('how many users there are').action(act(showStats));
  addLifecycleCommands(users, act);
  addSessionCommands(users, act);
  addUserSyncCommands(users, act);
}

async function createUsers(context: Context, options: CreateOptions): Promise<void> {
  const config = {
    username_pattern: options.pattern,
    password: options.password,
    user_role: options.role,
    on_error: options.onError,
    batch_size: options.batchSize,
  };
  const body = { count: options.count, template: options.template, config };
  await submitAndTell(context, client => client.submit(createBulkUsersOperation, { body }), options);
}

async function listBatches({ out, connect }: Context, query: { limit?: number }): Promise<void> {
  const page = await (await connect()).read(listBatchesOperation, { query: { limit: query.limit } });
  out.page(page, ({ items }) =>
    table([
      ['BATCH', 'STATUS', 'CREATED', 'FAILED', 'OF', 'AT'],
      ...items.map(batch => [
        batch.batch_id,
        batch.status,
        String(batch.successful_count),
        String(batch.failed_count),
        String(batch.total_requested),
        batch.created_at,
      ]),
    ]),
  );
}

async function showBatch({ out, connect }: Context, _options: object, id: string): Promise<void> {
  const batch = await (await connect()).read(getBatchOperation, { params: { batch_id: id } });
  out.result(batch, ({ chunks, workers }) => [
    `batch ${batch.batch_id}: ${batch.status}`,
    ...facts([
      ['  created', batch.successful_count],
      ['  failed', batch.failed_count],
      ['  of', batch.total_requested],
      ['  chunks', `${chunks.done}/${chunks.total} of ${chunks.size}`],
      ['  seconds', String(batch.execution_time)],
    ]),
    ...workers.map(({ worker, chunks: done, users }) => `  ${worker}: ${users} users in ${done} chunks`),
  ]);
}

async function listFailures(context: Context, query: { limit?: number }, id: string): Promise<void> {
  const client = await context.connect();
  const page = await client.read(listBatchFailuresOperation, {
    params: { batch_id: id },
    query: { limit: query.limit },
  });
  context.out.page(page, ({ items }) =>
    table([
      ['INDEX', 'USERNAME', 'CODE', 'DETAIL'],
      ...items.map(failure => [String(failure.index), failure.username, failure.code, failure.detail]),
    ]),
  );
}

async function showStats({ out, connect }: Context): Promise<void> {
  const stats = await (await connect()).read(getBulkUserStatsOperation);
  out.result(stats, () =>
    facts([
      ['users', stats.total_users],
      ['  test users', stats.test_users],
      ['  production users', stats.production_users],
      ['batches', stats.total_batches],
      ['running now', stats.active_operations],
    ]),
  );
}
