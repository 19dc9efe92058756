import { secondsSince } from '../../../shared/kernel/time.ts';
import type { Context } from '../context.ts';
import { CliFailure } from '../failure.ts';
import { cleanUp, readProductionUsers } from './clean-up.ts';
import { createUsers } from './create-users.ts';
import { openDeployment } from './deployment.ts';
import { driveLoad } from './drive-load.ts';
import { createDemoScreen, type DemoScreen } from './screen.ts';
import type { Stage } from './stage.ts';
import { syncAccounts } from './sync-accounts.ts';
import { startTemporaryStack } from './temporary-stack.ts';

export interface DemoOptions {
  /** Leave the stack up. */
  keep: boolean;
  users: number;
  /** How long the load lasts. */
  seconds: number;
}

/**
 * `npm run demo`: a stack, users by the thousand, the proof that they are real, the same ones as accounts of the load
 * tester, logged in, load on the storefront with them, and nothing left behind but the report.
 * @throws CliFailure with the reason, and the stack's last log lines, when any step fails
 */
export async function runDemo(context: Context, options: DemoOptions): Promise<void> {
  const { keep, users } = options;
  const screen = createDemoScreen(context.stdout);
  const startedAt = performance.now();
  screen.title(
    `Muster demo: ${users.toLocaleString('en')} test users in a real application, and load with them`,
  );
  const stage = await screen.step(
    () => openStage(context, keep),
    ({ opened }) => opened,
    'starting PostgreSQL, API, storefront and workers',
  );
  for (const [name, value] of stage.facts) screen.detail(name, value);
  try {
    await play(context, stage, screen, options);
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

async function play(
  context: Context,
  stage: Stage,
  screen: DemoScreen,
  { keep, users, seconds }: DemoOptions,
): Promise<void> {
  const before = await readProductionUsers(context, stage);
  const batch = await createUsers(context, stage, screen, users);
  await syncAccounts(context, stage, screen, batch);
  await driveLoad(context, stage, screen, { batch, seconds });
  if (keep) screen.detail('kept', `the batch ${batch.id}, to look at`);
  else await cleanUp(context, stage, screen, { batch, before });
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
