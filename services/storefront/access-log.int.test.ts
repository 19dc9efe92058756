import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../../shared/kernel/time.ts';
import type { HttpServer } from '../../shared/platform/http-server.ts';
import { createLogger } from '../../shared/platform/log.ts';
import { testDatabases } from '../../test/fixtures/database.ts';
import { newVisitor, startStorefront } from '../../test/fixtures/storefront.ts';
import { type AccessLog, openAccessLog } from './access-log.ts';

const { application } = testDatabases();
let folder: string;
let log: AccessLog;
let shop: HttpServer;

const path = () => join(folder, 'access.log');
const lines = async (): Promise<Record<string, unknown>[]> => {
  const text = await readFile(path(), 'utf8');
  return text.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line)]));
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'storefront-access-log-'));
  log = await openAccessLog(path(), createLogger('storefront', { level: 'silent' }));
  shop = await startStorefront(application, { accessLog: log.middleware });
});
afterEach(async () => {
  await shop.stop();
  await log.stop();
  await rm(folder, { recursive: true });
});

describe('the access log', () => {
  it('has a line for each request, whatever became of it', async () => {
    const cookie = await newVisitor(application.db, 'hugo');
    const asked = [
      '/products?limit=1',
      '/me',
      '/nowhere',
      '/products/%ff',
      '/performance/error?type=exception',
    ];
    for (const url of asked) {
      const response = await fetch(shop.url + url, { headers: { cookie, 'user-agent': 'visitor "1"\t\\' } });
      await response.arrayBuffer();
    }
    const written = await waitFor('all lines', async () => {
      const all = await lines();
      return all.length === asked.length && all;
    });
    expect(written.map(({ path, status }) => [path, status])).toEqual([
      ['/products?limit=1', 200],
      ['/me', 200],
      ['/nowhere', 404],
      ['/products/%ff', 400],
      ['/performance/error?type=exception', 500],
    ]);
    expect(written[1]).toEqual({
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      method: 'GET',
      path: '/me',
      status: 200,
      ms: expect.any(Number),
      user_agent: 'visitor "1"\t\\',
      username: 'hugo',
    });
    expect(written[0]).not.toHaveProperty('username');
  });

  it('counts those whose client went away, also those sent ahead on one connection', async () => {
    const socket = connect(shop.port, '127.0.0.1');
    const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`;
    socket.write(request('/performance/slow?ms=0') + request('/performance/slow?ms=5000'));
    socket.write(request('/performance/slow?ms=5001') + request('/performance/slow?ms=0&last'));
    await once(socket, 'data'); // the first answer
    socket.destroy();
    const written = await waitFor('all lines', async () => {
      const all = await lines();
      return all.length === 4 && all;
    });
    expect(written.map(({ status }) => status).toSorted()).toEqual([200, 499, 499, 499]);
  });

  it('is whole when the storefront has stopped, with the requests under way', async () => {
    const requests = Array.from({ length: 200 }, (_, index) => fetch(`${shop.url}/health?${index}`));
    const slow = fetch(`${shop.url}/performance/slow?ms=200`);
    await Promise.all(requests);
    await shop.stop();
    await log.stop();
    expect((await slow).status).toBe(200);
    const written = await lines();
    expect(written).toHaveLength(201);
    expect(new Set(written.map(({ path }) => path)).size).toBe(201);
  });
});
