import { drizzle } from 'drizzle-orm/postgres-js';
import express from 'express';
import { type HttpServer, serveHttp } from '../../../shared/platform/http-server.ts';
import { createLogger } from '../../../shared/platform/log.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { smallShop, startStorefront } from '../../../test/fixtures/storefront.ts';
import { answerErrors } from '../errors.ts';
import { seedShop } from '../seed/shop.ts';
import { reviewsWith } from './full-scan.ts';
import { memoryRoutes } from './memory.ts';

const { application } = testDatabases();
const silent = createLogger('storefront', { level: 'silent' });
const queries: string[] = [];
let shop: HttpServer;

beforeAll(async () => {
  await seedShop(application.db, smallShop);
  const logQuery = (query: string) => void queries.push(query);
  shop = await startStorefront({
    sql: application.sql,
    db: drizzle(application.sql, { logger: { logQuery } }),
  });
});
afterAll(() => shop.stop());

async function ask(path: string) {
  queries.length = 0;
  const response = await fetch(`${shop.url}/performance${path}`);
  return { status: response.status, body: JSON.parse(await response.text()) };
}

describe('the endpoints that are bad on purpose', () => {
  it('waits as long as asked, and lets others through meanwhile', async () => {
    const ended: number[] = [];
    const wait = async (ms: number) => ended.push((await ask(`/slow?ms=${ms}`)).body.waited_ms);
    await Promise.all([wait(400), wait(0)]);
    expect(ended).toEqual([0, 400]);
  });

  it('keep a core busy for as long as asked, and say with how many digests', async () => {
    const { body } = await ask('/cpu?ms=20');
    expect(body).toMatchObject({ computed_ms: 20, digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(body.digests).toBeGreaterThanOrEqual(100);
  });

  it('allocates memory, refuses what would be too much for the process, and lets go', async () => {
    const app = express().use(memoryRoutes({ budgetMb: 16 }), answerErrors(silent));
    const server = await serveHttp(app, { name: 'memory', host: '127.0.0.1', port: 0 });
    const allocate = (mb: number) => fetch(`${server.url}/performance/memory?mb=${mb}&hold_ms=0`);
    const [first, tooMuch, second] = [await allocate(16), await allocate(17), await allocate(16)];
    await server.stop();
    expect(await first.json()).toEqual({ allocated_bytes: 16 * 1024 * 1024, held_ms: 0 });
    expect([tooMuch.status, second.status]).toEqual([503, 200]);
  });

  it('asks the database once for the list, and once for each of it', async () => {
    expect(await ask('/n-plus-one?orders=8')).toEqual({
      status: 200,
      body: { orders: 8, lines: 20, queries: 9 },
    });
    expect(queries.map(query => query.match(/from "(\w+)"/)?.[1])).toEqual([
      'orders',
      ...Array(8).fill('order_lines'),
    ]);
  });

  it('reads every review for a search', async () => {
    const { body } = await ask('/slow-query/full-scan?q=SISTER');
    const [{ hits } = { hits: -1 }] = await application.sql`
      select count(*)::int as hits from reviews where body like '%sister%'`;
    expect(body.hits).toBe(hits);
    expect(body.items).toHaveLength(20);
    expect((await ask('/slow-query/full-scan?q=%25')).body.hits).toBe(0); // no wildcard
    const { sql, params } = reviewsWith(application.db, 'sister').toSQL();
    const plan = await application.sql.unsafe(`explain ${sql}`, [String(params[0]), Number(params[1])]);
    expect(JSON.stringify(plan)).toContain('Seq Scan on reviews');
  });

  it('joins everything with everything', async () => {
    const { body } = await ask('/slow-query/complex-join');
    expect(body.items).toHaveLength(10);
    expect(body.items[0]).toMatchObject({ orders: expect.any(Number), rating: expect.any(Number) });
    const one = await ask('/slow-query/complex-join?category=coffee');
    expect(one.body.items).toEqual(
      body.items.filter((item: { category: string }) => item.category === 'coffee'),
    );
  });
});

describe('the endpoint that fails', () => {
  it.each([
    ['answer', 500, 'payment_failed'],
    ['exception', 500, 'internal_error'],
    ['type-error', 500, 'internal_error'],
    ['rejection', 500, 'internal_error'],
    ['database', 500, 'internal_error'],
    ['unavailable', 503, 'unavailable'],
  ])('ends as %s with %i %s', async (type, status, error) => {
    expect(await ask(`/error?type=${type}`)).toMatchObject({ status, body: { error } });
  });

  it('picks a way to fail by itself', async () => {
    expect((await ask('/error')).status).toBeGreaterThanOrEqual(500);
  });

  it('cuts the connection when asked to', async () => {
    await expect(ask('/error?type=disconnect')).rejects.toThrow('fetch failed');
    expect((await ask('/slow?ms=0')).status).toBe(200);
  });
});

describe('their parameters', () => {
  it.each([
    '/slow?ms=10001',
    '/slow?ms=-1',
    '/slow?ms=soon',
    '/cpu?ms=2001',
    '/memory?mb=65',
    '/memory?mb=0',
    '/memory?hold_ms=2001',
    '/n-plus-one?orders=101',
    '/error?type=nuclear',
    '/slow-query/full-scan?q=',
  ])('are bounded: 400 for %s', async path => {
    expect(await ask(path)).toMatchObject({ status: 400, body: { error: 'invalid_query' } });
  });
});
