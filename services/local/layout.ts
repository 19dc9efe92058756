import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import type { Config } from '../../shared/platform/config.ts';
import { testDataUrl } from '../../shared/platform/postgres/test-data-role.ts';
import type { MailCatcher } from './mail-catcher/catcher.ts';
import { only, settingsOfApi, settingsOfMigration, settingsOfStorefront, without } from './own-settings.ts';
import { claimPort } from './ports.ts';
import type { DatabaseUrls } from './postgres.ts';
import type { Secrets } from './secrets.ts';
import type { ChildSpec } from './supervisor.ts';

/** The scripts of the stack's processes. */
export interface Scripts {
  migration: string;
  api: string;
  storefront: string;
  worker: string;
}

const project = resolve(import.meta.dirname, '..', '..');
const compileCache = join(project, 'node_modules', '.cache', 'muster');

export const ownScripts: Scripts = {
  migration: join(project, 'infra', 'scripts', 'migrate.ts'),
  api: join(project, 'services', 'api', 'main.ts'),
  storefront: join(project, 'services', 'storefront', 'main.ts'),
  worker: join(project, 'services', 'worker', 'main.ts'),
};

/** Where the stack listens, with ports that are free and fixed from here on. */
export interface Addresses {
  apiPort: number;
  apiUrl: string;
  /** None beside another application: the storefront would fill its database. */
  storefront: { port: number; url: string } | undefined;
}

export async function claimAddresses(config: Config): Promise<Addresses> {
  const { HOST: host } = config;
  const apiPort = await claimPort({ owner: 'API', setting: 'PORT', port: config.PORT, host });
  return { apiPort, apiUrl: urlOf(host, apiPort), storefront: await claimStorefront(config) };
}

async function claimStorefront(config: Config): Promise<Addresses['storefront']> {
  if (config.USER_DIRECTORY !== undefined) return undefined;
  const { HOST: host, STOREFRONT_PORT: wanted } = config;
  const port = await claimPort({ owner: 'storefront', setting: 'STOREFRONT_PORT', port: wanted, host });
  return { port, url: urlOf(host, port) };
}

/** How this machine reaches a server that listens on `host`, a wildcard included. */
function urlOf(host: string, port: number): string {
  if (host === '0.0.0.0' || host === '::') return `http://127.0.0.1:${port}`;
  return host.includes(':') ? `http://[${host}]:${port}` : `http://${host}:${port}`;
}

export interface Ingredients {
  config: Config;
  /** The environment that the stack itself was given; everything not decided here goes through. */
  env: NodeJS.ProcessEnv;
  addresses: Addresses;
  databases: DatabaseUrls;
  /** Takes what is sent, unless a mail server was set. */
  mailCatcher: Pick<MailCatcher, 'smtpUrl' | 'httpUrl'> | undefined;
  secrets: Secrets;
  scripts: Scripts;
}

/**
 * The API streams: what it makes is short-lived, and V8 would give that 100 MiB and more before it looks what is left.
 * With a small nursery it needs 60 MiB less and is no slower. The bound is near what a container of Compose has; what it
 * does is that V8 clears up after a growth by a third, not fourfold as on a large machine.
 */
const apiHeap = ['--max-old-space-size=384', '--max-semi-space-size=8'];

/**
 * The heap of a worker, with a young generation as small as Node gives it in a small container: on a large machine it
 * would grow by a hundred megabytes before anything is cleared up.
 */
export const workerHeap = (heapMb: number): string[] => [
  `--max-old-space-size=${heapMb}`,
  '--max-semi-space-size=8',
];

/**
 * libuv's threads of a worker: its share of the cores for password hashes, and one more for all else. Never fewer than
 * libuv's own four: `hashesAtOnce` keeps to the cores by itself.
 */
export const poolThreads = (cores: number, workers: number): number =>
  Math.max(4, Math.ceil(cores / workers) + 1);

/**
 * What to run: the migration, then one api, `WORKERS` workers, and one storefront, unless the application is another;
 * each with the settings that it reads: secrets go to those alone who need them.
 */
export function describeChildren(ingredients: Ingredients) {
  const { config, env, addresses, databases, mailCatcher, secrets, scripts } = ingredients;
  const { storefront } = addresses;
  const common: NodeJS.ProcessEnv = {
    NODE_COMPILE_CACHE: compileCache, // the processes share most of their code: a quarter less time to start
    ...env,
    NODE_ENV: config.NODE_ENV,
    DATA_DIR: config.DATA_DIR,
    PORT: String(addresses.apiPort),
    ...(storefront && { STOREFRONT_PORT: String(storefront.port), STOREFRONT_URL: storefront.url }),
    DATABASE_URL: databases.platformUrl,
    APP_DATABASE_URL: databases.applicationUrl,
    TEST_DATA_DATABASE_URL: '', // only for those below who need it
    MUSTER_API_KEY: secrets.apiKey,
    MUSTER_ENCRYPTION_KEY: secrets.encryptionKey,
    ...(mailCatcher && {
      SMTP_URL: mailCatcher.smtpUrl,
      MAIL_CATCHER_URL: mailCatcher.httpUrl,
      PUSH_ALLOWLIST: [...config.PUSH_ALLOWLIST, mailCatcher.httpUrl].join(','),
    }),
  };
  const writing = { ...common, TEST_DATA_DATABASE_URL: testDataUrlOf(ingredients) };
  const worker = without(writing, settingsOfApi);
  const threads = String(poolThreads(availableParallelism(), config.WORKERS));
  const workers = Array.from({ length: config.WORKERS }, (_, index): ChildSpec => {
    const port = config.WORKER_PORT ? { WORKER_PORT: String(config.WORKER_PORT + index) } : {};
    const name = `worker-${index + 1}`;
    const args = [...workerHeap(config.WORKER_HEAP_MB), scripts.worker];
    return { name, args, env: { UV_THREADPOOL_SIZE: threads, ...worker, WORKER_NAME: name, ...port } };
  });
  return {
    migration: { name: 'migration', args: [scripts.migration], env: only(writing, settingsOfMigration) },
    api: { name: 'api', args: [...apiHeap, scripts.api], env: without(common, ['MUSTER_PEER_API_KEY']) },
    storefront: storefront && {
      name: 'storefront',
      args: [scripts.storefront],
      env: only(common, settingsOfStorefront),
    },
    workers,
  };
}

const testDataUrlOf = ({ config, databases, secrets }: Ingredients): string =>
  config.TEST_DATA_DATABASE_URL ?? testDataUrl(databases.applicationUrl, secrets.testDataPassword);
