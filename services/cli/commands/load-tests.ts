import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import {
  compareLoadTestsOperation,
  readLoadReportOperation,
  readLoadSummaryOperation,
} from '../../../shared/http/load-test-results.ts';
import {
  changeLoadTestOperation,
  emergencyStopOperation,
  getLoadTestOperation,
  listLoadTestsOperation,
  stopLoadTestOperation,
} from '../../../shared/http/load-tests.ts';
import { positiveNumber, wholeNumber } from '../arguments.ts';
import type { Act, Context } from '../context.ts';
import { CliFailure } from '../failure.ts';
import { openTarget } from '../files.ts';
import { reportLoadTest, watchLoadTest } from '../load-tests/await.ts';
import { describeLoadTest, listed } from '../load-tests/describe.ts';
import { describeComparison } from '../load-tests/describe-comparison.ts';
import { addResultFileOptions, checkResultFiles, type ResultFiles } from '../load-tests/result-files.ts';
import { addRunCommand } from '../load-tests/run.ts';

/** `muster load-tests ...`: run load tests, watch and control them, read what came out. */
export function addLoadTestsCommands(program: Command, act: Act): void {
  const group = program.command('load-tests').alias('load').description('run load tests and control them');
  addRunCommand(group, act);
  group
    .command('list')
    .description('list load tests, newest first')
    .option('--status <status>', 'active, or a status: running, succeeded, failed, aborted, ...')
    .option('--limit <n>', 'how many', wholeNumber(1))
    .action(act(list));
  group.command('status <id>').description('one load test: its figures so far').action(act(status));
  addResultFileOptions(group.command('follow <id>')).description('watch it to its end').action(act(follow));
  group
    .command('change <id>')
    .description('change it while it runs')
    .option('-u, --users <n>', 'virtual users', wholeNumber(1))
    .option('--rate <n>', 'arrivals a time unit: of a test with --rate', positiveNumber)
    .option('--pause', 'send nothing for now')
    .option('--resume', 'go on')
    .action(act(change));
  group.command('stop <id>').description('let requests under way finish, and end it').action(act(stop));
  group.command('emergency-stop').description('end all load tests at once').action(act(emergencyStop));
  addResultCommands(group, act);
}

function addResultCommands(group: Command, act: Act): void {
  group.command('summary <id>').description("the figures, in k6's layout").action(act(summary));
  group
    .command('report <id>')
    .description('save the report: one HTML page')
    .option('-o, --output <file>', 'default: load-test-ID.html')
    .action(act(report));
  group
    .command('compare')
    .description('whether one run is better or worse than another')
    .requiredOption('--base <id>', 'the run to compare with')
    .requiredOption('--head <id>', 'the run in question')
    .action(act(compare));
}

async function list({ out, connect }: Context, query: { status?: string; limit?: number }): Promise<void> {
  const { status, limit } = query;
  out.page(await (await connect()).read(listLoadTestsOperation, { query: { status, limit } }), listed);
}

async function status({ out, connect }: Context, _options: object, id: string): Promise<void> {
  out.result(await (await connect()).read(getLoadTestOperation, { params: { id } }), describeLoadTest);
}

async function follow(context: Context, files: ResultFiles, id: string): Promise<void> {
  await checkResultFiles(files);
  const client = await context.connect();
  await reportLoadTest(context, client, await watchLoadTest(context, client, id), files);
}

interface ChangeOptions {
  users?: number;
  rate?: number;
  pause?: boolean;
  resume?: boolean;
}

async function change({ out, connect }: Context, options: ChangeOptions, id: string): Promise<void> {
  const { users: concurrent_users, rate, pause = false, resume = false } = options;
  if (pause && resume) throw new CliFailure('usage', 'Give --pause or --resume, not both');
  const asked = [
    ...(concurrent_users === undefined ? [] : [`${concurrent_users} users`]),
    ...(rate === undefined ? [] : [`a rate of ${rate}`]),
    ...(pause ? ['a pause'] : []),
    ...(resume ? ['to go on'] : []),
  ];
  if (asked.length === 0)
    throw new CliFailure('usage', 'Say what to change: --users, --rate, --pause or --resume');
  const body = { concurrent_users, rate, paused: pause || resume ? pause : undefined };
  const test = await (await connect()).change(changeLoadTestOperation, { params: { id }, body });
  out.result(test, () => [
    `Asked for: ${asked.join(', ')}. The workers follow in a moment.`,
    `See it with: npm run muster -- load-tests status ${id}`,
  ]);
}

async function stop({ out, connect }: Context, _options: object, id: string): Promise<void> {
  out.result(await (await connect()).submit(stopLoadTestOperation, { params: { id } }), describeLoadTest);
}

async function emergencyStop({ out, connect }: Context): Promise<void> {
  out.result(await (await connect()).read(emergencyStopOperation), ({ stopped, took_ms, unconfirmed }) => [
    stopped.length === 0 ? 'No load test was running.' : `Stopped ${stopped.join(', ')} in ${took_ms} ms.`,
    ...unconfirmed.map(
      ({ load_test_id, shard, worker }) =>
        `${worker} has not confirmed it yet for shard ${shard} of ${load_test_id}: if it is cut off, it stops by itself within 5 s.`,
    ),
  ]);
}

async function summary({ out, connect }: Context, _options: object, id: string): Promise<void> {
  const text = await (await connect()).text(readLoadSummaryOperation, { params: { id } });
  out.result({ summary: text }, () => [text.trimEnd()]);
}

async function report({ out, connect }: Context, options: { output?: string }, id: string): Promise<void> {
  const page = await (await connect()).text(readLoadReportOperation, { params: { id } });
  const file = options.output ?? `load-test-${id}.html`;
  await pipeline([page], await openTarget(file));
  out.result({ file }, () => [`The report is in ${file}`]);
}

async function compare({ out, connect }: Context, query: { base: string; head: string }): Promise<void> {
  const { base, head } = query;
  const client = await connect();
  const comparison = await client.read(compareLoadTestsOperation, { query: { base, head } });
  out.result(comparison, describeComparison);
  if (comparison.verdict === 'worse')
    throw new CliFailure('job_unsuccessful', `${head} is worse than ${base}`);
}
