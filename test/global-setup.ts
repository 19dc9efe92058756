import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLifecycle, type Lifecycle } from '../shared/kernel/lifecycle.ts';
import { startTestPostgres } from './servers/postgres.ts';
import { startRedis } from './servers/redis.ts';
import { findRedisProgram } from './servers/redis-find.ts';
import { createRunFolder, removeRunFolder } from './servers/run-folder.ts';
import { runningServers } from './servers/running.ts';

/**
 * Starts the servers that all test files share, and tells the workers by environment variables where they are.
 * Jest calls this once for each project that needs it: the first call starts them, the others find them up.
 */
export default async function startServers(): Promise<void> {
  const servers = runningServers();
  if (servers.lifecycle !== undefined) return;
  const lifecycle = createLifecycle();
  servers.lifecycle = lifecycle;
  stopOnSignal(lifecycle);
  const folder = await createRunFolder();
  lifecycle.onStop('run folder', () => removeRunFolder(folder));
  process.env.TEST_RUN_FOLDER = folder;
  const database = lifecycle.add(await startTestPostgres(folder));
  process.env.TEST_POSTGRES_URL = database.url();
  await report(await provideRedis(lifecycle));
}

/**
 * The Redis that test files share (TEST_REDIS_URL): the one of REDIS_URL, or our own. Where there is neither, the
 * Redis half of the tests is skipped; with `CI=true` that is a failure. Gives a line for people.
 */
async function provideRedis(lifecycle: Lifecycle): Promise<string> {
  const found = await findRedisProgram();
  if ('path' in found) {
    process.env.TEST_REDIS_PROGRAM = found.path;
    process.env.TEST_REDIS_LIBRARY_PATH = found.libraryPath;
  }
  const given = process.env.REDIS_URL;
  const own = given === undefined ? await startRedis() : undefined;
  if (own !== undefined) lifecycle.add(own);
  const url = given ?? own?.url;
  if (url !== undefined) process.env.TEST_REDIS_URL = url;
  else if (process.env.CI === 'true') throw new Error(`No Redis, which CI must have: ${missing(found)}`);
  if (given !== undefined) return 'the server of REDIS_URL';
  return 'path' in found ? found.description : `none, so its half was skipped: ${missing(found)}`;
}

const missing = (found: object): string => ('missing' in found ? String(found.missing) : '');

/** For the closing lines of test/run.ts. */
async function report(redis: string): Promise<void> {
  const folder = process.env.TEST_REPORT_DIR;
  if (folder !== undefined) await writeFile(join(folder, 'redis'), redis);
}

/**
 * Jest ends at once on Ctrl-C, without its teardown; the servers would stay. The signal comes twice: from the terminal
 * and from test/run.ts.
 */
function stopOnSignal(lifecycle: Lifecycle): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => void lifecycle.stop().finally(() => process.exit(130)));
  }
}
