import type { Command } from 'commander';
import {
  createSnapshotOperation,
  deleteSnapshotOperation,
  getSnapshotOperation,
  listSnapshotRowsOperation,
  listSnapshotsOperation,
  restoreSnapshotOperation,
} from '../../../shared/http/snapshots.ts';
import { wholeNumber } from '../arguments.ts';
import { submitAndTell } from '../await-job.ts';
import type { Act, Context } from '../context.ts';
import { facts, table } from '../output.ts';

interface CreateOptions {
  description?: string;
  dataset?: string;
  tables?: string;
  follow?: boolean;
}

interface RestoreOptions {
  keepExisting?: boolean;
  otherDatabase?: boolean;
  follow?: boolean;
}

interface RowsOptions {
  table: string;
  offset?: number;
  limit?: number;
}

/** `muster snapshots ...`: keep the application's test data, and put it back. */
export function addSnapshotsCommands(program: Command, act: Act): void {
  const snapshots = program
    .command('snapshots')
    .description("keep the application's test data, and put it back");
  snapshots
    .command('create <name>')
    .description('make a snapshot of all test data')
    .option('--description <text>', 'what it is')
    .option('--dataset <id>', 'of this dataset only')
    .option('--tables <names>', 'of these tables only, separated by commas')
    .option('-f, --follow', 'wait for the end')
    .action(act(createSnapshot));
  snapshots
    .command('restore <name>')
    .description('put the rows of a snapshot back, in place of the test data that is there')
    .option('--keep-existing', 'add to the test data instead')
    .option('--other-database', 'although the snapshot is of another database')
    .option('-f, --follow', 'wait for the end')
    .action(act(restoreSnapshot));
  snapshots
    .command('list')
    .description('list snapshots')
    .option('--limit <n>', 'how many', wholeNumber(1))
    .action(act(listSnapshots));
  snapshots.command('show <name>').description('one snapshot and its tables').action(act(showSnapshot));
  snapshots
    .command('rows <name>')
    .description('rows of one table as JSON, one a line')
    .requiredOption('--table <name>', 'which table')
    .option('--offset <n>', 'rows to leave out', wholeNumber(0))
    .option('--limit <n>', 'how many', wholeNumber(1))
    .action(act(showRows));
  snapshots.command('delete <name>').description('delete a snapshot').action(act(deleteSnapshot));
}

function createSnapshot(context: Context, options: CreateOptions, name: string): Promise<void> {
  const { description, dataset: dataset_id, tables } = options;
  const body = { name, description, dataset_id, tables: tables?.split(',') };
  return submitAndTell(context, client => client.submit(createSnapshotOperation, { body }), options);
}

function restoreSnapshot(context: Context, options: RestoreOptions, name: string): Promise<void> {
  const body = {
    clean_existing: options.keepExisting !== true,
    allow_other_database: options.otherDatabase === true,
  };
  const input = { params: { name }, body };
  return submitAndTell(context, client => client.submit(restoreSnapshotOperation, input), options);
}

const rowsIn = (stats: Record<string, number>): number =>
  Object.values(stats).reduce((total, rows) => total + rows, 0);

async function listSnapshots({ out, connect }: Context, { limit }: { limit?: number }): Promise<void> {
  const page = await (await connect()).read(listSnapshotsOperation, { query: { limit } });
  out.page(page, ({ items }) =>
    table([
      ['SNAPSHOT', 'ROWS', 'BYTES', 'AT', 'DESCRIPTION'],
      ...items.map(({ name, stats, bytes, created_at, description }) => [
        name,
        String(rowsIn(stats)),
        String(bytes),
        created_at,
        description,
      ]),
    ]),
  );
}

async function showSnapshot({ out, connect }: Context, _options: object, name: string): Promise<void> {
  const snapshot = await (await connect()).read(getSnapshotOperation, { params: { name } });
  out.result(snapshot, ({ description, created_at, bytes, tables }) => [
    `snapshot ${name} of ${created_at}, ${bytes.toLocaleString('en')} bytes on disk`,
    ...(description === '' ? [] : [`  ${description}`]),
    ...facts(tables.map(({ name, rows }) => [`  ${name}`, rows])),
  ]);
}

async function showRows({ out, connect }: Context, options: RowsOptions, name: string): Promise<void> {
  const { table, limit, offset } = options;
  const page = await (await connect()).read(listSnapshotRowsOperation, {
    params: { name, table },
    query: { limit, offset },
  });
  out.result(page, ({ items }) => items.map(row => JSON.stringify(row)));
  if (page.items.length === 0 && !out.json)
    out.note(`No rows here: of ${table} the snapshot has ${page.total}`);
}

async function deleteSnapshot({ out, connect }: Context, _options: object, name: string): Promise<void> {
  await (await connect()).text(deleteSnapshotOperation, { params: { name } });
  out.result({ deleted: name }, () => [`Deleted ${name}`]);
}
