import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { orderLines, products } from '../../drizzle/application/schema/shop.ts';
import { users } from '../../drizzle/application/schema/users.ts';
import { misconfigured } from '../../shared/platform/run-service.ts';
import { testDatabases } from '../../test/fixtures/database.ts';
import { logIn } from '../../test/fixtures/storefront.ts';
import { demoPassword } from './seed/users.ts';

const { application, applicationUrl } = testDatabases();
const given = { APP_DATABASE_URL: applicationUrl, STOREFRONT_PORT: '0' };
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** The storefront as its own process, with this environment only. */
function run(env: Record<string, string>) {
  const child = spawn(process.execPath, ['services/storefront/main.ts'], {
    cwd: `${import.meta.dirname}/../..`,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout });
  return { child, lines, exited: once(child, 'exit') };
}

/** The first log line with that message, parsed. */
async function logged(lines: AsyncIterable<string>, message: string): Promise<Record<string, unknown>> {
  for await (const line of lines) {
    const entry = JSON.parse(line);
    if (entry.msg === message) return entry;
  }
  throw new Error(`The storefront ended without logging "${message}"`);
}

const keepConnection = (url: string, agent: Agent): Promise<unknown> =>
  new Promise((resolve, reject) => {
    get(url, { agent }, response => response.resume().once('end', resolve)).once('error', reject);
  });

describe('the storefront process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'seeds in development, serves, and exits 0 on %s despite a kept-alive connection',
    async signal => {
      const SEED_SHOP = 'false';
      const shop = run({ ...given, SEED_SHOP, NODE_ENV: 'development' });
      const url = String((await logged(shop.lines, 'listening')).url);
      const response = await logIn(url, 'emma.larsen', demoPassword);
      expect(response.status).toBe(200);
      const agent = new Agent({ keepAlive: true });
      await keepConnection(`${url}/health`, agent);
      shop.child.kill(signal);
      expect(await shop.exited).toEqual([0, null]);
      agent.destroy();
    },
  );

  it('fills the shop where it is told to, and logs each request to a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'storefront-'));
    const ACCESS_LOG = join(folder, 'access.log');
    const shop = run({ ...given, SEED_SHOP: 'true', ACCESS_LOG });
    const url = String((await logged(shop.lines, 'listening')).url);
    expect(await application.db.$count(products)).toBe(10_000);
    expect(await application.db.$count(orderLines)).toBe(100_000);
    expect((await fetch(`${url}/products/10000`)).status).toBe(200);
    shop.child.kill('SIGTERM');
    expect(await shop.exited).toEqual([0, null]);
    expect(JSON.parse(await readFile(ACCESS_LOG, 'utf8'))).toMatchObject({
      path: '/products/10000',
      status: 200,
    });
    await rm(folder, { recursive: true });
  });

  it('seeds nobody and nothing in production', async () => {
    await application.db.delete(users);
    const shop = run(given);
    await logged(shop.lines, 'listening');
    expect(await application.db.$count(users)).toBe(0);
    shop.child.kill('SIGTERM');
    expect(await shop.exited).toEqual([0, null]);
  });

  it.each(['true', undefined])(
    'refuses a database with tables of others before it seeds anybody (SEED_SHOP=%s)',
    async SEED_SHOP => {
      await application.db.delete(users);
      await application.sql`create table blog_post (id int)`;
      const shop = run({ ...given, ...(SEED_SHOP && { SEED_SHOP }), NODE_ENV: 'development' });
      expect(await logged(shop.lines, 'cannot run')).toMatchObject({
        reason: expect.stringContaining('has tables that are not the storefront’s: public.blog_post'),
      });
      expect(await shop.exited).toEqual([misconfigured, null]);
      expect(await application.db.$count(users)).toBe(0);
      await application.sql`drop table blog_post`;
    },
  );

  it('refuses a database that no migration of Muster made', async () => {
    await application.sql`alter table muster_migrations.__drizzle_migrations rename to theirs`;
    const shop = run({ ...given, NODE_ENV: 'development' });
    expect(await logged(shop.lines, 'cannot run')).toMatchObject({
      reason: expect.stringContaining('was not made by Muster’s migrations'),
    });
    expect(await shop.exited).toEqual([misconfigured, null]);
    await application.sql`alter table muster_migrations.theirs rename to __drizzle_migrations`;
  });

  it('says what is missing, and exits as one that is misconfigured', async () => {
    const shop = run({ STOREFRONT_PORT: '0' });
    expect(await logged(shop.lines, 'cannot run')).toMatchObject({
      reason: 'APP_DATABASE_URL is not set',
      hint: expect.stringContaining('Set APP_DATABASE_URL'),
    });
    expect(await shop.exited).toEqual([misconfigured, null]);
  });
});
