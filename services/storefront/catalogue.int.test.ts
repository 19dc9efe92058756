import { z } from 'zod';
import type { HttpServer } from '../../shared/platform/http-server.ts';
import { testDatabases } from '../../test/fixtures/database.ts';
import { newVisitor, smallShop, startStorefront } from '../../test/fixtures/storefront.ts';
import { seedShop } from './seed/shop.ts';

const { application } = testDatabases();
let shop: HttpServer;

beforeAll(async () => {
  await seedShop(application.db, smallShop);
  shop = await startStorefront(application);
});
afterAll(() => shop.stop());

const catalogue = z.object({
  endpoints: z.array(
    z.strictObject({
      name: z.string(),
      url: z.string().startsWith('/'),
      method: z.enum(['GET', 'POST']),
      weight: z.number(),
      timeout: z.number().positive(),
      description: z.string(),
      requires_login: z.literal(true).optional(),
      body: z.unknown().optional(),
    }),
  ),
});

async function weighed(query = '') {
  const response = await fetch(`${shop.url}/catalogue${query}`);
  const { endpoints } = catalogue.parse(await response.json());
  return endpoints.filter(({ weight }) => weight > 0);
}

/** The status that each endpoint answers with, by name. */
async function statuses(endpoints: Awaited<ReturnType<typeof weighed>>, cookie = '') {
  const answers = endpoints.map(async ({ name, url, method, body }) => {
    const response = await fetch(shop.url + url, {
      method,
      headers: { cookie, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    await response.arrayBuffer();
    return { name, status: response.status };
  });
  return Promise.all(answers);
}

describe('the catalogue', () => {
  it('weighs nothing that would refuse a visitor without an account', async () => {
    const endpoints = await weighed();
    expect(endpoints.some(endpoint => endpoint.requires_login)).toBe(false);
    const failed = (await statuses(endpoints)).filter(({ status }) => status >= 400);
    expect(failed).toEqual([{ name: 'error', status: expect.any(Number) }]);
    expect(failed[0]?.status).toBeGreaterThanOrEqual(500);
  });

  it('weighs carts and orders too for visitors with one, who can use all of it again and again', async () => {
    const cookie = await newVisitor(application.db, 'gina');
    const own = (await weighed('?login=true')).filter(endpoint => endpoint.requires_login);
    expect(own.map(({ name }) => name)).toEqual(['profile', 'cart', 'add-to-cart', 'order', 'orders']);
    for (const round of [1, 2]) {
      const failed = (await statuses(own, cookie)).filter(({ status }) => status >= 400);
      expect({ round, failed }).toEqual({ round, failed: [] });
    }
  });
});
