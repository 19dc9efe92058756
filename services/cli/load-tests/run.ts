import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { poolPolicies } from '../../../shared/contracts/load-tests.ts';
import { createLoadTestOperation } from '../../../shared/http/load-tests.ts';
import { messageOf } from '../../../shared/kernel/errors.ts';
import { positiveNumber, wholeNumber } from '../arguments.ts';
import type { Act, Context } from '../context.ts';
import { CliFailure } from '../failure.ts';
import { reportLoadTest, watchLoadTest } from './await.ts';
import { describeLoadTest } from './describe.ts';
import { addResultFileOptions, checkResultFiles, hasResultFiles, type ResultFiles } from './result-files.ts';

interface RunOptions extends ResultFiles {
  config?: string;
  target?: string;
  name?: string;
  users?: number;
  duration?: string;
  rate?: number;
  stage?: { duration: string; target: number }[];
  interval?: { min: number; max: number };
  threshold?: Record<string, string[]>;
  maxErrorsPerMinute?: number;
  workers?: number;
  pool?: string | true;
  poolPolicy?: string;
  follow?: boolean;
}

/** `muster load-tests run`: the options say the common things, `--config` a file with any of the API's fields. */
export function addRunCommand(group: Command, act: Act): void {
  addResultFileOptions(group.command('run'))
    .description('start a load test')
    .option('-c, --config <file>', 'the request as JSON; options go before what it says')
    .option('-t, --target <url>', 'default: the storefront')
    .option('--name <text>', 'what to call the run')
    .option('-u, --users <n>', 'virtual users; with --rate, at most so many', wholeNumber(1))
    .option('-d, --duration <time>', 'such as 30s or 5m')
    .option('--rate <n>', 'requests a second, whatever the answers take', positiveNumber)
    .option(
      '--stage <time:target>',
      'ramp to a target within a time, such as 30s:50; may be repeated',
      addStage,
    )
    .option('--interval <min:max>', 'seconds between two requests of a user, such as 1:5', interval)
    .option(
      '--threshold <metric:rule>',
      "such as 'http_req_duration:p(95)<500'; may be repeated",
      addThreshold,
    )
    .option(
      '--max-errors-per-minute <n>',
      'end it early when more requests fail; default: 100',
      wholeNumber(0),
    )
    .option('--workers <n>', 'how many workers to spread it over', wholeNumber(1))
    .option('--pool [batch]', 'give each user an account, of this batch or of any, and log it in')
    .addOption(new Option('--pool-policy <policy>', 'who may have which account').choices(poolPolicies))
    .option('-f, --follow', 'watch it to its end; --junit and --report do so too')
    .action(act((context, options: RunOptions) => run(context, options)));
}

async function run(context: Context, options: RunOptions): Promise<void> {
  const body = { ...(await readConfig(options.config)), ...bodyOf(options) };
  await checkResultFiles(options);
  const client = await context.connect();
  const test = await client.submit(createLoadTestOperation, { body });
  if (options.follow || hasResultFiles(options)) {
    context.out.note(
      `Load test ${test.id}, in the dashboard: ${client.url}/dashboard#/load-tests/${test.id}`,
    );
    const ended = await watchLoadTest(context, client, test.id);
    return reportLoadTest(context, client, ended, options);
  }
  context.out.result(test, () => [
    ...describeLoadTest(test),
    `Follow it with: npm run muster -- load-tests follow ${test.id}`,
  ]);
}

function bodyOf(options: RunOptions): Record<string, unknown> {
  const { target, name, users, duration, rate, stage, interval, threshold, workers } = options;
  const body = {
    executor: executorOf(options),
    target_url: target,
    session_name: name,
    concurrent_users: users,
    duration,
    rate,
    stages: stage,
    request_interval_min: interval?.min,
    request_interval_max: interval?.max,
    thresholds: threshold,
    max_errors_per_minute: options.maxErrorsPerMinute,
    workers,
    user_pool: poolOf(options),
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

function poolOf({ pool, poolPolicy: policy }: RunOptions): object | undefined {
  if (pool === undefined && policy === undefined) return undefined;
  return { batch_id: typeof pool === 'string' ? pool : undefined, policy };
}

/** What the options make of it; undefined leaves it to the file or the default. */
function executorOf({ rate, stage }: RunOptions): string | undefined {
  if (rate !== undefined) return stage === undefined ? 'constant-arrival-rate' : 'ramping-arrival-rate';
  return stage === undefined ? undefined : 'ramping-vus';
}

async function readConfig(file: string | undefined): Promise<object> {
  if (file === undefined) return {};
  try {
    const config: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config;
    throw new Error('it is not an object');
  } catch (error) {
    throw new CliFailure('usage', `--config ${file} cannot be read: ${messageOf(error)}`);
  }
}

function addStage(text: string, before: RunOptions['stage'] = []) {
  const [, duration, target] = /^([^:]+):(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (duration === undefined) throw new InvalidArgumentError('It must be TIME:TARGET, such as 30s:50.');
  return [...before, { duration, target: Number(target) }];
}

function interval(text: string): RunOptions['interval'] {
  const [, min, max] = /^(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (min === undefined) throw new InvalidArgumentError('It must be MIN:MAX in seconds, such as 1:5.');
  return { min: Number(min), max: Number(max) };
}

/** The rule is what follows the last colon: a metric may hold one, in `{name:home}`. */
function addThreshold(text: string, before: Record<string, string[]> = {}): Record<string, string[]> {
  const colon = text.lastIndexOf(':');
  if (colon < 1)
    throw new InvalidArgumentError("It must be METRIC:RULE, such as 'http_req_failed:rate<0.01'.");
  const [metric, rule] = [text.slice(0, colon), text.slice(colon + 1)];
  return { ...before, [metric]: [...(before[metric] ?? []), rule] };
}
