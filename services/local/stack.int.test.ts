import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { waitFor } from '../../shared/kernel/time.ts';
import { loadConfig } from '../../shared/platform/config.ts';
import { readStackFile } from '../../shared/platform/local-stack.ts';
import { storefrontIsUp } from './health-gate.ts';
import type { Scripts } from './layout.ts';
import { createStack, type Stack } from './stack.ts';

/** Stands for api and storefront: healthy at once, with as many workers as there should be. */
const server = (port: string) => `
  import { createServer } from 'node:http';
  const workers = { status: 'ok', count: Number(process.env.WORKERS) };
  const ok = { status: 'ok' };
  const body = { status: 'ok', version: '0', uptime_seconds: 1,
    checks: { postgres: ok, application_database: ok, queue: ok, guards: ok, workers } };
  createServer((_, response) => response.end(JSON.stringify(body))).listen(process.env.${port}, '127.0.0.1');
  process.on('SIGTERM', () => { console.log('stopped'); process.exit(0); });`;
const worker = `
  setInterval(() => {}, 1000);
  process.on('SIGTERM', () => { console.log('stopped'); process.exit(0); });
  console.log('working');`;

let folder: string;
let lines: string[];
let stack: Stack;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-stack-'));
  lines = [];
});
afterEach(async () => {
  await stack.stop();
  await rm(folder, { recursive: true });
});

async function build(
  changed: Partial<Scripts> = {},
  startTimeoutMs = 20_000,
  more: Record<string, string> = {},
): Promise<Stack> {
  const sources: Scripts = {
    migration: 'console.log("migrated")',
    api: server('PORT'),
    storefront: server('STOREFRONT_PORT'),
    worker,
    ...changed,
  };
  const scripts = { ...sources };
  for (const name of ['migration', 'api', 'storefront', 'worker'] as const) {
    scripts[name] = join(folder, `${name}.mjs`);
    await writeFile(scripts[name], sources[name]);
  }
  const env = {
    NODE_ENV: 'test',
    DATA_DIR: join(folder, 'data'),
    PORT: '0',
    STOREFRONT_PORT: '0',
    WORKERS: '2',
    DATABASE_URL: 'postgres://127.0.0.1/unused',
    APP_DATABASE_URL: 'postgres://127.0.0.1/unused',
    ...more,
  };
  const write = (line: string) => void lines.push(stripVTControlCharacters(line));
  stack = createStack({ config: loadConfig(env), env, write, scripts, startTimeoutMs });
  return stack;
}

const keptSecrets = ['api-key', 'encryption-key', 'test-data-password'];
const never = new AbortController().signal;

describe('the local stack', () => {
  it('is up when all its parts are healthy, and tells the CLI where', async () => {
    const { apiUrl, storefront } = await (await build()).start(never);
    expect(lines[0]).toContain('migrated');
    expect(await readStackFile(join(folder, 'data'))).toMatchObject({
      pid: process.pid,
      api_url: apiUrl,
      storefront_url: storefront?.url,
    });
  });

  it('gives each part the secrets that it needs, and the storefront none', async () => {
    const names = [
      ...['MUSTER_API_KEY', 'MUSTER_ENCRYPTION_KEY', 'MUSTER_PEER_API_KEY', 'DATABASE_URL', 'REDIS_URL'],
      ...['APP_DATABASE_URL', 'TEST_DATA_DATABASE_URL', 'SMTP_URL', 'VAPID_PRIVATE_KEY', 'PUSH_ALLOWLIST'],
    ];
    const tell = `console.log('has ' + ${JSON.stringify(names)}.filter(name => process.env[name]).join());`;
    const scripts: Partial<Scripts> = {
      migration: tell,
      api: tell + server('PORT'),
      storefront: tell + server('STOREFRONT_PORT'),
      worker: tell + worker,
    };
    const given = {
      NODE_ENV: 'development',
      MUSTER_PEER_API_KEY: 'the key of another',
      REDIS_URL: 'redis://127.0.0.1:1',
      VAPID_PRIVATE_KEY: 'x'.repeat(43),
    };
    await (await build(scripts, 20_000, given)).start(never);
    const told = () => lines.flatMap(line => /^(\S+) .*has (\S+)$/.exec(line)?.slice(1).join(': ') ?? []);
    await waitFor('all to have told', () => told().length === 5);
    const both = 'MUSTER_ENCRYPTION_KEY,DATABASE_URL,REDIS_URL,APP_DATABASE_URL';
    const pushing = 'SMTP_URL,VAPID_PRIVATE_KEY,PUSH_ALLOWLIST';
    expect(told().toSorted()).toEqual([
      `api: MUSTER_API_KEY,${both},${pushing}`,
      'stack: DATABASE_URL,REDIS_URL,APP_DATABASE_URL,TEST_DATA_DATABASE_URL',
      'storefront: APP_DATABASE_URL',
      `worker-1: ${both},TEST_DATA_DATABASE_URL,${pushing}`,
      `worker-2: ${both},TEST_DATA_DATABASE_URL,${pushing}`,
    ]);
  });

  it('stops workers first, then the storefront, then the API, and frees the data folder', async () => {
    await (await build()).start(never);
    const working = () => lines.filter(line => line.endsWith('working'));
    await waitFor('the workers to hear signals', () => working().length === 2);
    await stack.stop();
    const stopped = lines.filter(line => line.endsWith('stopped')).map(line => line.split(' ')[0]);
    expect(stopped.slice(0, 2).toSorted()).toEqual(['worker-1', 'worker-2']);
    expect(stopped.slice(2)).toEqual(['storefront', 'api']);
    expect((await readdir(join(folder, 'data'))).toSorted()).toEqual(keptSecrets);
  });

  it('refuses to start twice on the same data folder', async () => {
    await (await build()).start(never);
    const first = stack;
    await expect((await build()).start(never)).rejects.toThrow(`already runs on ${join(folder, 'data')}`);
    await first.stop();
  });

  it('does not start without its migrations, and shows why they failed', async () => {
    const failing = 'console.error("no such column"); process.exit(1)';
    await expect((await build({ migration: failing })).start(never)).rejects.toThrow(
      'migration failed (exit code 1):\nno such column',
    );
  });

  it('shows the last log lines of a part that does not become healthy, and stops the others', async () => {
    const deaf = 'console.log("thinking"); setInterval(() => {}, 1000)';
    await expect((await build({ storefront: deaf }, 1500)).start(never)).rejects.toThrow(
      /the storefront not healthy within 1.5 s.*\n--- last lines of storefront\nthinking/,
    );
    expect(lines.filter(line => line.endsWith('stopped'))).toHaveLength(3);
  });

  it('gives up at once on a part that keeps dying', async () => {
    const dying = 'console.log("no such module"); process.exit(1)';
    await expect((await build({ api: dying }, 60_000)).start(never)).rejects.toThrow(
      /api exited with 1; given up after 5 quick deaths.*\n--- last lines of api\nno such module/,
    );
  });

  it('does not start without a part that dies after it was healthy', async () => {
    const brief = `${server('STOREFRONT_PORT')} setTimeout(() => process.exit(1), 200);`;
    const deaf = 'setInterval(() => {}, 1000)';
    await expect((await build({ storefront: brief, api: deaf }, 60_000)).start(never)).rejects.toThrow(
      /storefront exited with 1; given up after 5 quick deaths/,
    );
  });

  it('starts a part again for ever once it was up, whatever that dies of', async () => {
    const tellsPid = `${server('STOREFRONT_PORT')} console.log('pid ' + process.pid);`;
    const { storefront } = await (await build({ storefront: tellsPid })).start(never);
    await writeFile(join(folder, 'storefront.mjs'), 'process.exit(78)');
    const pid = await waitFor('its pid', () => /storefront.* pid (\d+)/.exec(lines.join('\n'))?.[1]);
    process.kill(Number(pid), 'SIGKILL');
    const restarts = () => lines.filter(line => line.includes('storefront exited with 78; starts again in'));
    await waitFor('more deaths than a start may have', () => restarts().length >= 5, { timeoutMs: 30_000 });
    await writeFile(join(folder, 'storefront.mjs'), server('STOREFRONT_PORT'));
    await waitFor('the storefront', () => storefrontIsUp(storefront?.url ?? ''), { timeoutMs: 30_000 });
  });

  it('says of a part whose configuration is at fault just that, and tries it once', async () => {
    const last = JSON.stringify({
      level: 'fatal',
      msg: 'cannot run',
      reason: 'PORT: no port',
      hint: 'Set it.',
    });
    const misconfigured = `console.log(${JSON.stringify(last)}); process.exit(78)`;
    await expect((await build({ api: misconfigured }, 60_000)).start(never)).rejects.toMatchObject({
      message: 'The stack did not start: api cannot run as it is configured.\nPORT: no port',
      hint: 'Set it.',
    });
    expect(lines.filter(line => line.includes('cannot run'))).toHaveLength(2); // the child's, and the supervisor's
  });

  it('undoes a start that is interrupted', async () => {
    const interrupt = new AbortController();
    const deaf = 'setInterval(() => {}, 1000)';
    const starting = (await build({ storefront: deaf })).start(interrupt.signal);
    interrupt.abort(new Error('interrupted'));
    await expect(starting).rejects.toThrow();
    expect((await readdir(join(folder, 'data'))).toSorted()).toEqual(keptSecrets);
  });
});
