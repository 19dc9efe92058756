import { randomBytes, randomInt } from 'node:crypto';
import {
  createBulkUsersOperation,
  getBatchOperation,
  listBatchUsersOperation,
} from '../../../shared/http/bulk-users.ts';
import { newId } from '../../../shared/kernel/ids.ts';
import type { Context } from '../context.ts';
import { CliFailure } from '../failure.ts';
import { watchToSuccess } from './job.ts';
import type { DemoScreen } from './screen.ts';
import type { Stage } from './stage.ts';
import { logIn } from './storefront-login.ts';

/** What the demo makes, and removes again. */
export interface DemoBatch {
  id: string;
  count: number;
  password: string;
}

/** Users in the application, by all workers, and the proof that they are real: one of them logs in. */
export async function createUsers(
  context: Context,
  stage: Stage,
  screen: DemoScreen,
  count: number,
): Promise<DemoBatch> {
  const id = newId();
  const batch = { id, count, password: `Demo-1-${randomBytes(12).toString('base64url')}` };
  const pattern = `demo_${id.slice(-6)}_{id}@example.com`;
  await screen.step(
    () => submitBatch(context, stage, batch, pattern),
    () => `${count.toLocaleString('en')} users created, as ${pattern}`,
  );
  await showWork(stage, screen, batch);
  await screen.step(
    () => proveLogin(stage, batch),
    username => `logged in to the storefront as ${username}`,
  );
  return batch;
}

async function submitBatch(
  context: Context,
  { client }: Stage,
  { id, count, password }: DemoBatch,
  pattern: string,
): Promise<void> {
  const config = { username_pattern: pattern, password, test_batch_id: id };
  const job = await client.submit(createBulkUsersOperation, { body: { count, config } });
  await watchToSuccess(context, client, job.id, 'creation');
}

/** Which worker did how much; the counts must add up. */
async function showWork({ client }: Stage, screen: DemoScreen, { id, count }: DemoBatch): Promise<void> {
  const batch = await client.read(getBatchOperation, { params: { batch_id: id } });
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
  { id, count, password }: DemoBatch,
): Promise<string> {
  const page = await client.read(listBatchUsersOperation, {
    params: { batch_id: id },
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
