import { mkdir, rm } from 'node:fs/promises';
import type { Config } from '../../shared/platform/config.ts';
import { stackFilePath, writeStackFile } from '../../shared/platform/local-stack.ts';
import { type Children, createChildren } from './children.ts';
import { apiIsUp, type Gate, passGate, storefrontIsUp, workersAreUp } from './health-gate.ts';
import {
  type Addresses,
  claimAddresses,
  describeChildren,
  type Ingredients,
  type Scripts,
} from './layout.ts';
import { lockDataFolder } from './lock.ts';
import { type MailCatcher, startMailCatcher } from './mail-catcher/catcher.ts';
import { only, settingsOfPostgres } from './own-settings.ts';
import { claimPort } from './ports.ts';
import { type DatabaseUrls, givenDatabases, keeperArguments, startKeeper } from './postgres.ts';
import { runToEnd } from './run-to-end.ts';
import { loadSecrets } from './secrets.ts';

export interface StackOptions {
  /** Its `DATA_DIR` is an absolute path. */
  config: Config;
  /** The environment to hand on to the children. */
  env: NodeJS.ProcessEnv;
  /** Receives every line of log, ready to print. */
  write: (line: string) => void;
  scripts: Scripts;
  /** How long api, storefront and workers may take to become healthy. */
  startTimeoutMs?: number;
}

export interface RunningStack extends Addresses {
  apiKey: string;
}

/**
 * The whole of Muster on this machine. `start` goes lock, secrets, ports, PostgreSQL, migrations, then api,
 * storefront (unless the application is another) and workers together, and resolves when all are healthy; whatever fails
 * undoes what was done. From then on
 * a part that dies is started again for ever.
 * `stop` goes the other way: workers first, so that they can still report, PostgreSQL last.
 */
export function createStack(options: StackOptions) {
  const children = createChildren(options.config, options.write);
  return {
    async start(signal: AbortSignal): Promise<RunningStack> {
      try {
        return await bringUp(options, children, signal);
      } catch (error) {
        await children.lifecycle.stop();
        throw error;
      }
    },
    stop: (): Promise<void> => children.lifecycle.stop(),
    /** Ends everything at once. */
    kill: children.kill,
  };
}

async function bringUp(
  options: StackOptions,
  children: Children,
  signal: AbortSignal,
): Promise<RunningStack> {
  const { config, env, scripts } = options;
  await lock(config.DATA_DIR, children);
  const secrets = await loadSecrets(config);
  const addresses = await claimAddresses(config);
  const databases = givenDatabases(config) ?? (await embeddedDatabases(options, children, signal));
  const mailCatcher = await catchMail(config, children);
  const ingredients = { config, env, addresses, databases, mailCatcher, secrets, scripts };
  await migrate(ingredients, children, signal);
  await launch(ingredients, children, { signal, timeoutMs: options.startTimeoutMs ?? 30_000 });
  children.persevere();
  await publish(config.DATA_DIR, addresses, children);
  return { ...addresses, apiKey: secrets.apiKey };
}

async function lock(dataDir: string, { lifecycle, say }: Children): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  const held = await lockDataFolder(dataDir);
  lifecycle.onStop('lock', held.release);
  if (held.tookOverFrom === undefined) return;
  say(`took over the lock of a stack that is gone (pid ${held.tookOverFrom})`);
  await rm(stackFilePath(dataDir), { force: true });
}

async function embeddedDatabases(
  { config, env }: StackOptions,
  children: Children,
  signal: AbortSignal,
): Promise<DatabaseUrls> {
  const port = await claimPort({ owner: 'embedded PostgreSQL', setting: '', port: 0, host: '127.0.0.1' });
  const keeper = children.add({
    name: 'postgres',
    args: keeperArguments(config, port),
    env: only({ ...env, NODE_ENV: config.NODE_ENV }, settingsOfPostgres),
  });
  return startKeeper(keeper, signal);
}

/** In development, and unless there is a mail server, what is sent is taken here. */
async function catchMail(
  { NODE_ENV, SMTP_URL }: Config,
  { lifecycle }: Children,
): Promise<MailCatcher | undefined> {
  if (NODE_ENV === 'production' || SMTP_URL !== undefined) return undefined;
  return lifecycle.add(await startMailCatcher());
}

async function migrate(ingredients: Ingredients, { say }: Children, signal: AbortSignal): Promise<void> {
  const { name, args, env } = describeChildren(ingredients).migration;
  await runToEnd({ name, args, env, print: say, signal });
}

async function launch(
  ingredients: Ingredients,
  children: Children,
  limits: { signal: AbortSignal; timeoutMs: number },
): Promise<void> {
  const specs = describeChildren(ingredients);
  const api = children.add(specs.api);
  const shop = addStorefront(ingredients, children);
  const workers = children.addGroup('workers', specs.workers);
  for (const child of [api, ...(shop?.children ?? []), ...workers]) child.start();
  const { apiUrl } = ingredients.addresses;
  const gates: Gate[] = [
    ...(shop === undefined ? [] : [shop]),
    { what: 'the API', isOpen: () => apiIsUp(apiUrl), children: [api] },
    {
      what: `${workers.length} workers`,
      isOpen: () => workersAreUp(apiUrl, workers.length),
      children: [api, ...workers],
    },
  ];
  for (const gate of gates) await passGate(gate, { ...limits, lost: children.lost });
}

/** The storefront and its gate; neither beside another application. */
function addStorefront(ingredients: Ingredients, children: Children): Gate | undefined {
  const { storefront: spec } = describeChildren(ingredients);
  const { storefront: place } = ingredients.addresses;
  if (spec === undefined || place === undefined) return undefined;
  const child = children.add(spec);
  return { what: 'the storefront', isOpen: () => storefrontIsUp(place.url), children: [child] };
}

/** Tells the CLI where the stack is, for as long as it is there. */
async function publish(dataDir: string, { apiUrl, storefront }: Addresses, { lifecycle }: Children) {
  lifecycle.onStop('stack file', () => rm(stackFilePath(dataDir), { force: true }));
  await writeStackFile(dataDir, {
    pid: process.pid,
    api_url: apiUrl,
    ...(storefront && { storefront_url: storefront.url }),
    started_at: new Date().toISOString(),
  });
}

export type Stack = ReturnType<typeof createStack>;
