import { bulkLogin } from '../../../shared/contracts/account-sessions.ts';
import { userSyncRun } from '../../../shared/contracts/user-sync.ts';
import { bulkLoginOperation } from '../../../shared/http/account-sessions.ts';
import { syncUsersOperation } from '../../../shared/http/user-sync.ts';
import type { Context } from '../context.ts';
import { CliFailure } from '../failure.ts';
import type { DemoBatch } from './create-users.ts';
import { watchToSuccess } from './job.ts';
import type { DemoScreen } from './screen.ts';
import type { Stage } from './stage.ts';

const mostLogins = 200;

/** The users become accounts of the load tester, provably the same ones, and some of them are logged in. */
export async function syncAccounts(
  context: Context,
  stage: Stage,
  screen: DemoScreen,
  batch: DemoBatch,
): Promise<void> {
  const { bytes_sent } = await screen.step(
    () => sync(context, stage, batch),
    ({ synced_count }) => `${synced_count.toLocaleString('en')} accounts synced to the load tester`,
  );
  screen.detail('integrity', `the digests of both sides are the same; ${kb(bytes_sent)} kB moved`);
  const again = await sync(context, stage, batch);
  screen.detail('again', `${again.unchanged} unchanged, found by comparing ${kb(again.bytes_sent)} kB`);
  await screen.step(
    () => logAccountsIn(context, stage, batch),
    ({ logged_in, p95_ms }) => `${logged_in} accounts logged in, 95 % of them within ${p95_ms} ms`,
  );
}

async function sync(context: Context, { client }: Stage, { id, count }: DemoBatch) {
  const body = { target: 'load_tester', filter_criteria: { batch_id: id } };
  const job = await client.submit(syncUsersOperation, { body });
  const result = userSyncRun.output.parse(await watchToSuccess(context, client, job.id, 'sync'));
  if (result.in_sync && result.synced_count === count) return result;
  throw new CliFailure('failed', `The sync has ${result.synced_count} users, in sync: ${result.in_sync}`);
}

async function logAccountsIn(context: Context, { client, storefrontUrl }: Stage, { id, count }: DemoBatch) {
  const logins = Math.min(mostLogins, count);
  const body = { batch_id: id, limit: logins };
  const job = await client.submit(bulkLoginOperation, { body });
  const result = bulkLogin.output.parse(await watchToSuccess(context, client, job.id, 'bulk login'));
  if (result.logged_in === logins) return result;
  throw new CliFailure(
    'failed',
    `${result.logged_in} of ${logins} accounts were logged in to ${storefrontUrl}`,
  );
}

const kb = (bytes: number): string => (bytes / 1000).toFixed(1);
