import type { Command } from 'commander';
import {
  createDatasetOperation,
  deleteDatasetOperation,
  getDatasetOperation,
  listDatasetsOperation,
} from '../../../shared/http/datasets.ts';
import { wholeNumber } from '../arguments.ts';
import { submitAndTell } from '../await-job.ts';
import type { Act, Context } from '../context.ts';
import { facts, table } from '../output.ts';

interface CreateOptions {
  offices: number;
  staffs: number;
  recipients: number;
  cycles?: number;
  seed?: number;
  referenceDate?: string;
  batchSize?: number;
  follow?: boolean;
}

/** `muster datasets ...`: relational test data in the application. */
export function addDatasetsCommands(program: Command, act: Act): void {
  const datasets = program
    .command('datasets')
    .description('fill the application with offices, staff and support plans');
  datasets
    .command('create')
    .description('generate a dataset; without options the reference one of 32,101 rows')
    .option('--offices <n>', 'how many offices', wholeNumber(1), 100)
    .option('--staffs <n>', 'staff of an office', wholeNumber(0), 10)
    .option('--recipients <n>', 'recipients of an office', wholeNumber(0), 100)
    .option('--cycles <n>', 'support plans of a recipient', wholeNumber(0))
    .option('--seed <n>', 'the same seed gives the same rows', wholeNumber(0))
    .option('--reference-date <day>', 'from which deadlines count, such as 2026-10-01')
    .option('--batch-size <n>', 'offices in one chunk', wholeNumber(1))
    .option('-f, --follow', 'show the progress and wait for the end')
    .action(act((context, options: CreateOptions) => createDataset(context, options)));
  datasets
    .command('list')
    .description('list datasets, newest first')
    .option('--limit <n>', 'how many', wholeNumber(1))
    .action(act(listDatasets));
  datasets.command('show <id>').description('one dataset, and how far it is').action(act(showDataset));
  datasets
    .command('delete <id>')
    .description("delete a dataset's rows from the application")
    .option('-f, --follow', 'wait for the end')
    .action(
      act((context, options: { follow?: boolean }, id) =>
        submitAndTell(context, client => client.submit(deleteDatasetOperation, { params: { id } }), options),
      ),
    );
}

function createDataset(context: Context, options: CreateOptions): Promise<void> {
  const body = {
    offices: options.offices,
    staffs_per_office: options.staffs,
    recipients_per_office: options.recipients,
    cycles_per_recipient: options.cycles,
    seed: options.seed,
    reference_date: options.referenceDate,
    batch_size: options.batchSize,
  };
  return submitAndTell(context, client => client.submit(createDatasetOperation, { body }), options);
}

async function listDatasets({ out, connect }: Context, { limit }: { limit?: number }): Promise<void> {
  const page = await (await connect()).read(listDatasetsOperation, { query: { limit } });
  out.page(page, ({ items }) =>
    table([
      ['DATASET', 'STATUS', 'OFFICES', 'ROWS', 'SEED', 'AT'],
      ...items.map(({ id, status, offices, total_rows, seed, created_at }) => [
        id,
        status,
        String(offices),
        String(total_rows),
        String(seed),
        created_at,
      ]),
    ]),
  );
}

async function showDataset({ out, connect }: Context, _options: object, id: string): Promise<void> {
  const dataset = await (await connect()).read(getDatasetOperation, { params: { id } });
  out.result(dataset, ({ rows, seed, reference_date, status }) => [
    `dataset ${id}: ${status}, seed ${seed}, as of ${reference_date}`,
    ...facts(Object.entries(rows).map(([name, count]) => [`  ${name}`, count])),
  ]);
}
