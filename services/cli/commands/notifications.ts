import type { Command } from 'commander';
import type { z } from 'zod';
import {
  type delivery,
  listDeliveriesOperation,
  listNotificationRunsOperation,
  listOpenDeliveriesOperation,
  listRunFailuresOperation,
  previewDeliveryOperation,
  settleDeliveryOperation,
  settleRunOperation,
  startNotificationRunOperation,
} from '../../../shared/http/deadline-notifications.ts';
import { wholeNumber } from '../arguments.ts';
import { submitAndTell } from '../await-job.ts';
import type { Act, Context } from '../context.ts';
import { CliFailure } from '../failure.ts';
import { table } from '../output.ts';

interface RunOptions {
  dryRun?: boolean;
  asOf?: string;
  channels?: string;
  follow?: boolean;
}

interface ListOptions {
  limit?: number;
}

interface DeliveriesOptions extends ListOptions {
  status?: string;
}

interface SettleOptions {
  arrived?: boolean;
  notArrived?: boolean;
}

/** `muster notifications ...`: tell the staff of offices of deadlines, and see who was told. */
export function addNotificationsCommands(program: Command, act: Act): void {
  const group = program.command('notifications').description('tell staff of deadlines that are near');
  group
    .command('run')
    .description('tell everybody who has not been told yet')
    .option('--dry-run', 'plan the same messages and send none')
    .option('--as-of <date>', 'count days from this one (YYYY-MM-DD)')
    .option('--channels <names>', 'email, push or both, separated by commas')
    .option('-f, --follow', 'show the progress and wait for the end')
    .action(act((context, options: RunOptions) => run(context, options)));
  group
    .command('runs')
    .description('list runs, newest first')
    .option('--limit <n>', 'how many', wholeNumber(1))
    .action(act(listRuns));
  group
    .command('deliveries <run>')
    .description('the messages of a run')
    .option('--status <status>', 'planned | skipped | sending | pending | sent | failed | unknown')
    .option('--limit <n>', 'how many', wholeNumber(1))
    .action(act(listDeliveries));
  group
    .command('unknown')
    .description('messages of all runs that may have arrived')
    .option('--limit <n>', 'how many', wholeNumber(1))
    .action(act(listUnknown));
  group
    .command('failures <run>')
    .description('what failed, and why')
    .option('--limit <n>', 'how many', wholeNumber(1))
    .action(act(listFailures));
  group.command('preview <delivery>').description('a message as text').action(act(preview));
  group
    .command('settle <delivery>')
    .description('say of an unknown message whether it has arrived')
    .option('--arrived', 'it has: nobody is told again')
    .option('--not-arrived', 'it has not: the next run tells of it')
    .action(act(settle));
  group
    .command('settle-run <run>')
    .description('say of all unknown messages of a run whether they have arrived')
    .option('--arrived', 'they have: nobody is told again')
    .option('--not-arrived', 'they have not: the next run tells of them')
    .action(act(settleRun));
}

function run(context: Context, { dryRun, asOf, channels, follow }: RunOptions): Promise<void> {
  const body = { dry_run: dryRun, as_of: asOf, channels: channels?.split(',') };
  return submitAndTell(context, client => client.submit(startNotificationRunOperation, { body }), {
    ...(follow !== undefined && { follow }),
  });
}

async function listRuns({ out, connect }: Context, { limit }: ListOptions): Promise<void> {
  const page = await (await connect()).read(listNotificationRunsOperation, { query: { limit } });
  out.page(page, ({ items }) =>
    table([
      ['RUN', 'STATUS', 'STARTED', 'BY'],
      ...items.map(({ id, status, created_at, requested_by }) => [id, status, created_at, requested_by]),
    ]),
  );
}

async function listDeliveries(
  { out, connect }: Context,
  query: DeliveriesOptions,
  id: string,
): Promise<void> {
  const { status, limit } = query;
  const page = await (await connect()).read(listDeliveriesOperation, {
    params: { id },
    query: { status, limit },
  });
  out.page(page, deliveryTable);
}

async function listUnknown({ out, connect }: Context, { limit }: ListOptions): Promise<void> {
  out.page(await (await connect()).read(listOpenDeliveriesOperation, { query: { limit } }), deliveryTable);
}

const deliveryTable = ({ items }: { items: z.output<typeof delivery>[] }): string[] =>
  table([
    ['DELIVERY', 'CHANNEL', 'STATUS', 'STAFF', 'DEADLINES', 'REASON'],
    ...items.map(item => [
      item.id,
      item.channel,
      item.status,
      item.staff_id,
      String(item.cycle_ids.length),
      item.code ?? '',
    ]),
  ]);

async function listFailures({ out, connect }: Context, { limit }: ListOptions, id: string): Promise<void> {
  const page = await (await connect()).read(listRunFailuresOperation, { params: { id }, query: { limit } });
  out.page(page, ({ items }) =>
    table([
      ['OFFICE', 'STAFF', 'CODE', 'DETAIL'],
      ...items.map(({ office_id, staff_id, code, detail }) => [office_id, staff_id ?? '(all)', code, detail]),
    ]),
  );
}

async function preview({ out, connect }: Context, _options: object, id: string): Promise<void> {
  const message = await (await connect()).read(previewDeliveryOperation, { params: { id } });
  out.result(message, ({ subject, text }) => [subject, '', text]);
}

async function settle({ out, connect }: Context, options: SettleOptions, id: string): Promise<void> {
  const body = findingOf(options);
  const delivery = await (await connect()).read(settleDeliveryOperation, { params: { id }, body });
  out.result(delivery, ({ status }) => [`delivery ${id}: ${status}`]);
}

async function settleRun({ out, connect }: Context, options: SettleOptions, id: string): Promise<void> {
  const body = findingOf(options);
  const found = await (await connect()).read(settleRunOperation, { params: { id }, body });
  out.result(found, ({ settled }) => [`run ${id}: ${settled} messages settled`]);
}

function findingOf({ arrived = false, notArrived = false }: SettleOptions): { arrived: boolean } {
  if (arrived !== notArrived) return { arrived };
  throw new CliFailure('usage', 'Say either --arrived or --not-arrived', {
    hint: 'The log of the mail server, or the person, knows.',
  });
}
