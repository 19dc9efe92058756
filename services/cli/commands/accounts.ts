import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import {
  getAccountStatsOperation,
  importUsersOperation,
  listAccountsOperation,
} from '../../../shared/http/accounts.ts';
import {
  exportAccountsOperation,
  exportApplicationUsersOperation,
} from '../../../shared/http/user-export.ts';
import { wholeNumber } from '../arguments.ts';
import { rethrowUnlessClosed } from '../closed-pipe.ts';
import type { Act, Context } from '../context.ts';
import { CliFailure } from '../failure.ts';
import { openSource, openTarget } from '../files.ts';
import { facts, table } from '../output.ts';

interface ExportOptions {
  batch?: string;
  testUsers?: boolean;
  since?: string;
  format?: string;
  credentials?: boolean;
  output?: string;
}

/** `muster accounts ...` and `muster export`: the load tester's accounts, and users as files. */
export function addAccountsCommands(program: Command, act: Act): void {
  const accounts = program.command('accounts').description("the load tester's accounts");
  accounts
    .command('import <file>')
    .description('put users into the pool: an export in JSON, or NDJSON (.ndjson); also .gz and .zst')
    .option('--on-conflict <what>', 'skip | overwrite')
    .action(act(importUsers));
  accounts
    .command('list')
    .description('list accounts')
    .option('--batch <id>', 'of this batch')
    .option('--limit <n>', 'how many', wholeNumber(1))
    .action(act(listAccounts));
  accounts
    .command('stats')
    .description('how many accounts there are, and their digest')
    .action(act(showStats));
  const exports = program.command('export').description('users as JSON, NDJSON or CSV');
  for (const [name, what, operation] of [
    ['users', "the application's users", exportApplicationUsersOperation],
    ['accounts', "the load tester's accounts", exportAccountsOperation],
  ] as const) {
    exports
      .command(name)
      .description(what)
      .option('--batch <id>', 'of this batch')
      .option('--test-users', 'no production users')
      .option('--since <time>', 'changed at this time or later, as ISO 8601')
      .option('--format <format>', 'json | ndjson | csv')
      .option('--credentials', 'with passwords: needs the role admin')
      .option('-o, --output <file>', 'where to (default: stdout)')
      .action(act((context, options: ExportOptions) => exportUsers(context, operation, options)));
  }
}

const encodings: Record<string, string> = { gz: 'gzip', zst: 'zstd' };

/** What a file's name says of what is in it: `users.ndjson.gz`. */
function headersOf(file: string): Record<string, string> {
  const [, name = file, compression = ''] = /^(.*?)(?:\.(gz|zst))?$/s.exec(file) ?? [];
  const encoding = encodings[compression];
  return {
    'content-type': /\.(ndjson|jsonl)$/.test(name) ? 'application/x-ndjson' : 'application/json',
    ...(encoding !== undefined && { 'content-encoding': encoding }),
  };
}

async function importUsers(context: Context, options: { onConflict?: string }, file: string): Promise<void> {
  const client = await context.connect();
  const result = await client.upload(importUsersOperation, {
    source: await openSource(file),
    headers: headersOf(file),
    query: { on_conflict: options.onConflict },
  });
  const shown = 10;
  context.out.result(result, ({ errors }) => [
    ...facts([
      ['created', result.created],
      ['updated', result.updated],
      ['unchanged', result.unchanged],
      ['failed', result.failed_count],
      ['seconds', String(result.duration)],
    ]),
    ...errors.slice(0, shown).map(({ index, message, code }) => `  user ${index}: ${message} [${code}]`),
    ...(errors.length > shown ? ['  ...'] : []),
  ]);
  if (!result.success) throw new CliFailure('failed', `${result.failed_count} users were not imported`);
}

async function listAccounts({ out, connect }: Context, options: { batch?: string; limit?: number }) {
  const query = { batch_id: options.batch, limit: options.limit };
  const page = await (await connect()).read(listAccountsOperation, { query });
  out.page(page, ({ items }) =>
    table([
      ['USERNAME', 'ROLE', 'STATUS', 'PASSWORD', 'BATCH'],
      ...items.map(item => [
        item.username,
        item.role,
        item.status,
        item.has_password ? 'known' : '-',
        item.test_batch_id ?? '-',
      ]),
    ]),
  );
}

async function showStats({ out, connect }: Context): Promise<void> {
  const stats = await (await connect()).read(getAccountStatsOperation);
  out.result(stats, () => [
    ...facts([
      ['accounts', stats.total_users],
      ['active sessions', stats.active_sessions],
      ['leased', stats.leased],
      ['digest', stats.digest],
    ]),
    ...facts(Object.entries(stats.by_batch).map(([batch, users]) => [`  ${batch}`, users])),
  ]);
}

async function exportUsers(
  { connect, out, stdout, signal }: Context,
  operation: typeof exportApplicationUsersOperation | typeof exportAccountsOperation,
  options: ExportOptions,
): Promise<void> {
  const query = {
    batch_id: options.batch,
    test_users_only: options.testUsers ? 'true' : undefined,
    modified_since: options.since,
    format: options.format,
    include_credentials: options.credentials ? 'true' : undefined,
  };
  const pieces = (await connect()).download(operation, { query }, signal);
  const { output: file } = options;
  if (file === undefined) return pipeline(pieces, stdout, { end: false }).catch(rethrowUnlessClosed);
  await pipeline(pieces, await openTarget(file, options.credentials ? { mode: 0o600 } : {}));
  out.result({ file }, () => [`The users are in ${file}`]);
}
