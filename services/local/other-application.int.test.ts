import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { readStackFile } from '../../shared/platform/local-stack.ts';
import { testDatabases } from '../../test/fixtures/database.ts';
import { installOtherApplication, otherMapping } from '../../test/fixtures/other-application.ts';

const databases = testDatabases();
const { sql } = databases.application;
let folder: string;
let stack: { kill(signal: NodeJS.Signals): boolean } | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-other-'));
  await installOtherApplication(databases);
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => stack?.kill('SIGKILL'));

/** `npm start` in development, on the other application's database. */
function start(env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      DATA_DIR: folder,
      PORT: '0',
      STOREFRONT_PORT: '0',
      WORKERS: '1',
      DATABASE_URL: databases.platformUrl,
      APP_DATABASE_URL: databases.applicationUrl,
      TEST_DATA_DATABASE_URL: databases.testDataUrl,
      ...env,
    },
  });
  stack = child;
  const lines: string[] = [];
  const up = Promise.withResolvers<void>();
  const keep = (line: string) => {
    lines.push(stripVTControlCharacters(line));
    if (line.includes('Ctrl-C stops everything')) up.resolve();
  };
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', keep);
  const ended = once(child, 'close');
  void ended.then(() => up.reject(new Error(`It ended:\n${lines.join('\n')}`)));
  return { child, lines, ended, up: up.promise };
}

const tables = () => sql`
  select nspname, relname from pg_class join pg_namespace as n on relnamespace = n.oid
  where relkind = 'r' and nspname not in ('pg_catalog', 'information_schema') order by 1, 2`;
const users = () => sql`select login from account`;

describe('npm start on the database of another application', () => {
  it('starts no storefront, and says so', async () => {
    const before = [...(await tables())];
    const running = start({ USER_DIRECTORY: otherMapping });
    await running.up;
    expect(running.lines.join('\n')).toMatch(/Storefront +not started: USER_DIRECTORY names another/);
    expect(running.lines.filter(line => line.startsWith('storefront'))).toEqual([]);
    expect((await readStackFile(folder))?.storefront_url).toBeUndefined();
    running.child.kill('SIGTERM');
    expect(await running.ended).toEqual([0, null]);
    expect([...(await tables())]).toEqual(before);
    expect([...(await users())]).toEqual([{ login: 'ada' }]);
  });

  it('ends when USER_DIRECTORY was forgotten, and puts nothing into it', async () => {
    const before = [...(await tables())];
    const { ended, up } = start({});
    await expect(up).rejects.toThrow('has tables that are not the storefront’s: public.account');
    expect((await ended)[0]).not.toBe(0);
    expect([...(await tables())]).toEqual(before);
  });
});
