import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { waitFor } from '../../../shared/kernel/time.ts';
import { inheritedEnvironment } from '../../../shared/platform/config.ts';
import { removeEmbeddedPostgres } from '../../../shared/platform/embedded-postgres/data.ts';
import { type LocalStack, readLocalApiKey, readStackFile } from '../../../shared/platform/local-stack.ts';
import { createClient } from '../client.ts';
import type { Context } from '../context.ts';
import { CliFailure } from '../failure.ts';
import type { Stage } from './stage.ts';

const stackScript = resolve(import.meta.dirname, '..', '..', 'local', 'main.ts');
const startTimeoutMs = 60_000;
/** Longer than the stack gives its slowest part (SHUTDOWN_TIMEOUT_MS below, and a grace). */
const stopTimeoutMs = 20_000;

/**
 * `npm start` on free ports with a data folder that is removed afterwards. Databases, Redis and keys of the
 * environment are not passed on: a demo must not write into what somebody else uses. Its log is a file in
 * that folder, so that it can outlive the demo when it is kept.
 */
export async function startTemporaryStack({ signal }: Context, keep: boolean): Promise<Stage> {
  const dataDir = await mkdtemp(join(tmpdir(), 'muster-demo-'));
  await chmod(dataDir, 0o711); // root lends PostgreSQL another account, which must get through; secrets are 600
  const child = await launch(dataDir, keep);
  try {
    const stack = await ready(child, dataDir, signal);
    const apiKey = await readLocalApiKey(dataDir);
    return stageOn(child, dataDir, stack, apiKey);
  } catch (error) {
    await remove(child, dataDir);
    throw error;
  }
}

/** In a process group of its own, so that Ctrl-C is the demo's to handle; with a guard, unless it is to stay. */
async function launch(dataDir: string, keep: boolean): Promise<ChildProcess> {
  const log = await open(logPath(dataDir), 'w');
  const given = inheritedEnvironment([
    'DATABASE_URL',
    'APP_DATABASE_URL',
    'TEST_DATA_DATABASE_URL',
    'REDIS_URL',
    'MUSTER_API_KEY',
    'MUSTER_CONFIG',
    'MUSTER_ENCRYPTION_KEY',
    'DISABLE_AUTH',
    'HOST',
    'NODE_ENV',
    'STOREFRONT_URL',
    'USER_DIRECTORY',
    'WORKER_PORT',
  ]);
  const own = {
    DATA_DIR: dataDir,
    PORT: '0',
    STOREFRONT_PORT: '0',
    WORKERS: '2',
    SHUTDOWN_TIMEOUT_MS: '10000',
  };
  try {
    return spawn(process.execPath, [stackScript], {
      env: { ...given, ...own },
      detached: true,
      stdio: keep ? ['ignore', log.fd, log.fd] : ['ignore', log.fd, log.fd, 'ipc'],
    });
  } finally {
    await log.close();
  }
}

async function ready(child: ChildProcess, dataDir: string, signal: AbortSignal): Promise<LocalStack> {
  return waitFor(
    'the stack to be up',
    async () => {
      if (hasEnded(child)) throw await startFailure(dataDir);
      return readStackFile(dataDir);
    },
    { timeoutMs: startTimeoutMs, signal },
  );
}

function stageOn(child: ChildProcess, dataDir: string, stack: LocalStack, apiKey: string | undefined): Stage {
  const { storefront_url: storefrontUrl = '' } = stack; // it always has one: USER_DIRECTORY is not passed on
  const facts: [string, string][] = [
    ['API', stack.api_url],
    ['storefront', storefrontUrl],
  ];
  return {
    client: createClient({ url: stack.api_url, apiKey }),
    storefrontUrl,
    opened: 'stack is up',
    facts,
    lastLogLines: () => lastLogLines(dataDir),
    async close() {
      await remove(child, dataDir);
      return 'stack stopped, temporary data removed';
    },
    async leave() {
      child.unref();
      return [
        ...facts,
        ['dashboard', `${stack.api_url}/dashboard`],
        ['reference', `${stack.api_url}/api/docs`],
        ['queues', `${stack.api_url}/admin/queues`],
        ['API key', apiKey ?? ''],
        ['log', logPath(dataDir)],
        ['CLI', `DATA_DIR=${dataDir} npm run muster -- users stats`],
        ['stop', `kill ${stack.pid}`],
        ['data', dataDir],
      ];
    },
  };
}

async function remove(child: ChildProcess, dataDir: string): Promise<void> {
  if (!hasEnded(child)) {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    const deadline = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await gone;
    clearTimeout(deadline);
  }
  await removeEmbeddedPostgres(join(dataDir, 'postgres'));
  await rm(dataDir, { recursive: true, force: true });
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

const logPath = (dataDir: string): string => join(dataDir, 'stack.log');

async function lastLogLines(dataDir: string): Promise<string[]> {
  const text = await readFile(logPath(dataDir), 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-20);
}

async function startFailure(dataDir: string): Promise<CliFailure> {
  const lines = await lastLogLines(dataDir);
  return new CliFailure('failed', `The stack did not start. Its last log lines:\n${lines.join('\n')}`);
}
