import { randomBytes, randomInt } from 'node:crypto';
import {
  createBulkUsersOperation,
  getBatchOperation,
  getBulkUserStatsOperation,
  listBatchUsersOperation,
} from '../../../shared/http/bulk-users.ts';
import { newId } from '../../../shared/kernel/ids.ts';
import { secondsSince } from '../../../shared/kernel/time.ts';
import { watchJob } from '../await-job.ts';
import type { Context } from '../context.ts';
import { CliFailure } from '../failure.ts';
import { openDeployment } from './deployment.ts';
import { driveLoad } from './drive-load.ts';
import { createDemoScreen, type DemoScreen } from './screen.ts';
import type { Stage } from './stage.ts';
import { logIn } from './storefront-login.ts';
import { startTemporaryStack } from './temporary-stack.ts';

const count = 1000;

export interface DemoOptions {
  /** Leave the stack up. */
  keep: boolean;
  /** Of load. */
  seconds: number;
}

/**
 * `npm run demo`: a stack, a thousand users, the proof that they are real, load on the storefront, and nothing left
 * behind but the report.
 * @throws CliFailure with the reason, and the stack's last log lines, when any step fails
 */
export async function runDemo(context: Context, { keep, seconds }: DemoOptions): Promise<void> {
  const screen = createDemoScreen(context.stdout);
  const startedAt = performance.now();
  screen.title(`Muster demo: ${count.toLocaleString('en')} test users in a real application, and load on it`);
  const stage = await screen.step(
    () => openStage(context, keep),
    ({ opened }) => opened,
    'starting PostgreSQL, API, storefront and workers',
  );
  for (const [name, value] of stage.facts) screen.detail(name, value);
  try {
    await play(context, stage, screen);
    await driveLoad(context, stage, screen, seconds);
  } catch (error) {
    const failure = await withLog(error, stage);
    const closed = await stage.close();
    throw context.signal.aborted ? new CliFailure('interrupted', `Interrupted: ${closed}.`) : failure;
  }
  if (keep) {
    for (const [name, value] of await stage.leave()) screen.detail(name, value);
  } else await screen.step(stage.close, what => what, 'stopping');
  screen.title(`Done in ${secondsSince(startedAt).toFixed(1)} s`);
}

/** A temporary stack, unless `--api` or `API` names a deployment. */
async function openStage(context: Context, keep: boolean): Promise<Stage> {
  const api = context.api ?? context.config.API;
  return api === undefined ? startTemporaryStack(context, keep) : openDeployment(context, api);
}

async function play(context: Context, stage: Stage, screen: DemoScreen): Promise<void> {
  const batchId = newId();
  const password = `Demo-1-${randomBytes(12).toString('base64url')}`;
  const pattern = `demo_${batchId.slice(-6)}_{id}@example.com`;
  await screen.step(
    () => createUsers(context, stage, { pattern, password, batchId }),
    () => `${count.toLocaleString('en')} users created, as ${pattern}`,
  );
  await showWork(stage, screen, batchId);
  await screen.step(
    () => proveLogin(stage, batchId, password),
    username => `logged in to the storefront as ${username}`,
  );
  context.signal.throwIfAborted();
  const stats = await stage.client.read(getBulkUserStatsOperation);
  screen.detail('in the app', `${stats.test_users} test users, ${stats.production_users} production users`);
}

async function createUsers(
  context: Context,
  { client }: Stage,
  { pattern, password, batchId }: { pattern: string; password: string; batchId: string },
): Promise<void> {
  const config = { username_pattern: pattern, password, test_batch_id: batchId };
  const job = await client.submit(createBulkUsersOperation, { body: { count, config } });
  const ended = await watchJob(context, client, job.id);
  if (ended.status === 'succeeded') return;
  const reason = ended.error === null ? '' : ` (${ended.error.code}: ${ended.error.message})`;
  throw new CliFailure('job_unsuccessful', `The creation ended as ${ended.status}${reason}`);
}

/** Which worker did how much; the counts must add up. */
async function showWork({ client }: Stage, screen: DemoScreen, batchId: string): Promise<void> {
  const batch = await client.read(getBatchOperation, { params: { batch_id: batchId } });
  for (const { worker, chunks, users } of batch.workers) {
    screen.detail(worker, `${users} users in ${chunks} chunks`);
  }
  const done = batch.workers.reduce((sum, { users }) => sum + users, 0);
  if (batch.successful_count === count && done === count) return;
  throw new CliFailure(
    'failed',
    `The batch says ${batch.successful_count} users, its workers ${done}, instead of ${count}`,
  );
}

/** One user, picked at random from the application's own table, logs in with the password of the batch. */
async function proveLogin(
  { client, storefrontUrl }: Stage,
  batchId: string,
  password: string,
): Promise<string> {
  const page = await client.read(listBatchUsersOperation, {
    params: { batch_id: batchId },
    query: { limit: count },
  });
  const user = page.items[randomInt(Math.max(1, page.items.length))];
  if (user === undefined || page.items.length !== count) {
    throw new CliFailure(
      'failed',
      `The application has ${page.items.length} users of the batch, not ${count}`,
    );
  }
  const username = await logIn(storefrontUrl, user.username, password);
  if (username === user.username) return username;
  throw new CliFailure('failed', `The storefront takes ${user.username} for ${username}`);
}

async function withLog(error: unknown, stage: Stage): Promise<unknown> {
  const lines = await stage.lastLogLines();
  if (lines.length === 0) return error;
  const reason =
    error instanceof CliFailure ? error : new CliFailure('failed', String(error), { cause: error });
  return new CliFailure(reason.kind, `${reason.message}\nThe stack's last log lines:\n${lines.join('\n')}`, {
    ...(reason.problem ? { problem: reason.problem } : {}),
  });
}
