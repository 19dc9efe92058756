import { resolve } from 'node:path';
import { styleText } from 'node:util';
import { isAppError, messageOf } from '../../shared/kernel/errors.ts';
import { secondsSince } from '../../shared/kernel/time.ts';
import { type Config, inheritedEnvironment, loadConfig } from '../../shared/platform/config.ts';
import { watchInterrupts } from '../../shared/platform/interrupts.ts';
import { onParentLost } from '../../shared/platform/parent-guard.ts';
import { exitCodeOf } from '../../shared/platform/run-service.ts';
import { cleanUpBeforeStop } from './clean-up.ts';
import { ownScripts } from './layout.ts';
import { createStack } from './stack.ts';
import { summaryBox } from './summary.ts';

/**
 * `npm start`: the whole of Muster on this machine until Ctrl-C. Exit codes: 0 stopped when asked, 1 it could not
 * start, 78 what it was given is at fault, 130 stopped at once by a second Ctrl-C.
 */
async function main(): Promise<void> {
  const config = localConfig();
  const write = (line: string) => void process.stdout.write(`${line}\n`);
  const stack = createStack({ config, env: inheritedEnvironment(), write, scripts: ownScripts });
  const interrupts = watchInterrupts(() => {
    stack.kill();
    process.exit(130);
  });
  onParentLost(interrupts.interrupt);
  const startedAt = performance.now();
  try {
    const running = await stack.start(interrupts.first);
    write(summaryBox(running, secondsSince(startedAt)));
    await interrupts.asked;
    await cleanUpBeforeStop({ ...running, say: line => write(styleText('dim', line)) });
  } catch (error) {
    if (!interrupts.first.aborted) throw error;
  }
  write(styleText('dim', 'Stopping: workers, storefront, api, PostgreSQL.'));
  await stack.stop();
  write(styleText('dim', 'Stopped.'));
}

/** A stack started by hand is for development, unless the environment says otherwise. */
function localConfig(): Config {
  const config = loadConfig({ NODE_ENV: 'development', ...inheritedEnvironment() });
  return { ...config, DATA_DIR: resolve(config.DATA_DIR) };
}

function report(error: unknown): void {
  console.error(styleText('red', messageOf(error), { stream: process.stderr }));
  if (isAppError(error) && error.hint !== undefined) console.error(error.hint);
}

await main().then(
  () => process.exit(0), // signal handlers and a lost parent's channel hold nothing that matters
  (error: unknown) => {
    report(error);
    process.exit(exitCodeOf(error));
  },
);
