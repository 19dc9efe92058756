import { waitFor } from '../../shared/kernel/time.ts';
import type { HttpServer } from '../../shared/platform/http-server.ts';
import { type Database, openDatabase } from '../../shared/platform/postgres/db.ts';
import { testDatabases } from '../../test/fixtures/database.ts';
import { logIn, startStorefront } from '../../test/fixtures/storefront.ts';
import { startTcpRelay, type TcpRelay } from '../../test/fixtures/tcp-relay.ts';

const { applicationUrl } = testDatabases();
let relay: TcpRelay;
let database: Database;
let shop: HttpServer;

beforeAll(async () => {
  relay = await startTcpRelay(applicationUrl);
  database = openDatabase(relay.url, { name: 'storefront' });
  shop = await startStorefront(database);
});
afterAll(async () => {
  await shop.stop();
  await database.stop();
  await relay.stop();
});

const health = () => fetch(`${shop.url}/health`);

describe('the storefront', () => {
  it('is healthy while its database answers', async () => {
    const response = await health();
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      status: 'ok',
      uptime_seconds: expect.any(Number),
      checks: { database: 'ok' },
    });
  });

  it('says 503 while its database is gone, and recovers with it', async () => {
    await relay.cut();
    const down = await health();
    expect(down.status).toBe(503);
    expect(await down.json()).toMatchObject({ status: 'down', checks: { database: 'down' } });

    const refused = await logIn(shop.url, 'alice', 'secret');
    expect(refused.status).toBe(503);
    expect(await refused.json()).toEqual({ error: 'unavailable' });

    await relay.mend();
    await waitFor('the storefront to recover', async () => (await health()).status === 200);
    expect((await logIn(shop.url, 'alice', 'secret')).status).toBe(401);
  });

  it.each(['/nowhere', '/%ff', '/login', '/performance', '/me/../../etc/passwd'])(
    'has nothing at GET %s',
    async path => {
      const response = await fetch(`${shop.url}${path}`);
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({ error: 'not_found' });
    },
  );

  it('does not say what it is made of', async () => {
    expect((await health()).headers.has('x-powered-by')).toBe(false);
  });
});
