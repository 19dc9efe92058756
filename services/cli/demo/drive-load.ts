import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { readLoadReportOperation, readLoadSummaryOperation } from '../../../shared/http/load-test-results.ts';
import { createLoadTestOperation } from '../../../shared/http/load-tests.ts';
import type { Context } from '../context.ts';
import { CliFailure } from '../failure.ts';
import { watchLoadTest } from '../load-tests/await.ts';
import type { LoadTest } from '../load-tests/describe.ts';
import type { DemoBatch } from './create-users.ts';
import type { DemoScreen } from './screen.ts';
import type { Stage } from './stage.ts';

const mostUsers = 50;

/**
 * A run of up to 50 users over the storefront's catalogue, from every worker, each with an account of the batch and its
 * session; its summary, and its report in the data folder.
 * The catalogue has endpoints that fail on purpose, so some errors are as it should be.
 */
export async function driveLoad(
  context: Context,
  stage: Stage,
  screen: DemoScreen,
  { batch, seconds }: { batch: DemoBatch; seconds: number },
): Promise<void> {
  const test = await screen.step(
    () => runToEnd(context, stage, { batch, seconds }),
    ({ metrics, shards }) =>
      `${seconds} s of load: ${metrics.http_reqs.count} requests of ${usersOf(batch)} logged-in users`.concat(
        shards.length > 1 ? ` over ${shards.length} workers` : '',
      ),
  );
  for (const { worker, requests } of test.shards) screen.detail(worker, `${requests} requests`);
  const summary = await stage.client.text(readLoadSummaryOperation, { params: { id: test.id } });
  screen.print(`\n${summary.trimEnd()}\n`);
  screen.detail('report', await saveReport(context, stage, test.id));
}

const usersOf = ({ count }: DemoBatch): number => Math.min(mostUsers, count);

async function runToEnd(
  context: Context,
  { client }: Stage,
  { batch, seconds }: { batch: DemoBatch; seconds: number },
): Promise<LoadTest> {
  const body = {
    session_name: 'demo',
    concurrent_users: usersOf(batch),
    duration: `${seconds}s`,
    request_interval_min: 0.2,
    request_interval_max: 1,
    user_pool: { batch_id: batch.id },
  };
  const { id } = await client.submit(createLoadTestOperation, { body });
  const ended = await watchLoadTest(context, client, id);
  if (ended.status === 'succeeded' && ended.metrics.http_reqs.count > 0) return ended;
  const reason = ended.reason === null ? '' : ` (${ended.reason.code}: ${ended.reason.message})`;
  throw new CliFailure('job_unsuccessful', `The load test ended as ${ended.status}${reason}`);
}

/** The stack is removed after the demo; the report stays, written over by the next one. */
async function saveReport({ config }: Context, { client }: Stage, id: string): Promise<string> {
  const page = await client.text(readLoadReportOperation, { params: { id } });
  const file = resolve(config.DATA_DIR, 'demo-report.html');
  await mkdir(config.DATA_DIR, { recursive: true });
  await writeFile(file, page);
  return join('.', relative('.', file)).startsWith('..') ? file : relative('.', file);
}
