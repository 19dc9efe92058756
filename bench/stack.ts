import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { waitFor } from '../shared/kernel/time.ts';
import { inheritedEnvironment } from '../shared/platform/config.ts';
import { removeEmbeddedPostgres } from '../shared/platform/embedded-postgres/data.ts';
import { startEmbeddedPostgres } from '../shared/platform/embedded-postgres/embedded-postgres.ts';
import { readLocalApiKey, readStackFile } from '../shared/platform/local-stack.ts';
import { createDatabaseIfMissing } from '../shared/platform/postgres/migrate.ts';
import { pidOfService } from './process-memory.ts';

const stackScript = resolve(import.meta.dirname, '..', 'services', 'local', 'main.ts');

export interface BenchStack {
  apiUrl: string;
  apiKey: string;
  storefrontUrl: string;
  applicationUrl: string;
  platformUrl: string;
  /** The process of the API. */
  apiPid(): Promise<string>;
  /** The largest resident memory of a worker process until now, in bytes; undefined where /proc is not there. */
  peakWorkerRssBytes(): Promise<number | undefined>;
  stop(): Promise<void>;
}

/**
 * The stack that `npm start` runs, with two workers, on an embedded PostgreSQL with its default durability and an
 * empty data folder. All of it goes with `stop`.
 * @param settings of its processes, such as another number of workers
 */
export async function startBenchStack(settings: Record<string, string> = {}): Promise<BenchStack> {
  const dataDir = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  await chmod(dataDir, 0o711); // root lends PostgreSQL another account, which must get through
  const postgres = await startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres') });
  for (const name of ['muster', 'storefront']) await createDatabaseIfMissing(postgres.url('postgres'), name);
  const applicationUrl = postgres.url('storefront');
  const platformUrl = postgres.url('muster');
  const child = spawn(process.execPath, [stackScript], {
    env: {
      ...inheritedEnvironment([
        'REDIS_URL',
        'MUSTER_API_KEY',
        'MUSTER_ENCRYPTION_KEY',
        'USER_DIRECTORY',
        'NODE_ENV',
        'LOG_DIR',
      ]),
      DATABASE_URL: platformUrl,
      APP_DATABASE_URL: applicationUrl,
      DATA_DIR: join(dataDir, 'stack'),
      PORT: '0',
      STOREFRONT_PORT: '0',
      WORKERS: '2',
      LOG_LEVEL: 'warn',
      ...settings,
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const stack = await waitFor('the stack', () => readStackFile(join(dataDir, 'stack')), {
    timeoutMs: 60_000,
  });
  return {
    apiUrl: stack.api_url,
    storefrontUrl: stack.storefront_url ?? '',
    apiKey: (await readLocalApiKey(join(dataDir, 'stack'))) ?? '',
    applicationUrl,
    platformUrl,
    apiPid: () => pidOfService(child, 'api'),
    peakWorkerRssBytes: () => peakRssOfWorkers(child),
    async stop() {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
      await postgres.stop();
      await removeEmbeddedPostgres(join(dataDir, 'postgres'));
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function peakRssOfWorkers({ pid }: ChildProcess): Promise<number | undefined> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const peaks = await Promise.all(children.trim().split(' ').map(peakRssOfWorker));
  const known = peaks.filter(peak => peak !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

async function peakRssOfWorker(pid: string): Promise<number | undefined> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  if (!command.includes(join('services', 'worker'))) return undefined;
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = /VmHWM:\s+(\d+) kB/.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}
