import type { HttpServer } from '../../../shared/platform/http-server.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { newVisitor, smallShop, startStorefront } from '../../../test/fixtures/storefront.ts';
import { seedShop } from '../seed/shop.ts';

const { application } = testDatabases();
let shop: HttpServer;

beforeAll(async () => {
  await seedShop(application.db, smallShop);
  shop = await startStorefront(application);
});
afterAll(() => shop.stop());

interface Call {
  method?: string;
  cookie?: string;
  body?: unknown;
}

/** A request; its status and parsed body. */
async function ask(path: string, { method = 'GET', cookie = '', body }: Call = {}) {
  const response = await fetch(`${shop.url}${path}`, {
    method,
    headers: { cookie, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

const post = (path: string, cookie: string, body?: unknown) => ask(path, { method: 'POST', cookie, body });

describe('looking around', () => {
  it('shows categories and the newest products at the door', async () => {
    const home = await ask('/');
    expect(home.body.categories).toContainEqual({ slug: 'coffee', name: 'Coffee' });
    expect(home.body.newest[0].id).toBe(200);
  });

  it('pages through a category, each product once', async () => {
    const seen: number[] = [];
    let next = '/products?category=coffee&limit=5';
    while (next !== '') {
      const { body } = await ask(next);
      expect(body.items.every((item: { category: string }) => item.category === 'coffee')).toBe(true);
      seen.push(...body.items.map((item: { id: number }) => item.id));
      next = body.next_cursor === null ? '' : `/products?category=coffee&limit=5&cursor=${body.next_cursor}`;
    }
    const [{ count } = { count: 0 }] = await application.sql`
      select count(*)::int from products join categories c on c.id = category_id where slug = 'coffee'`;
    expect(new Set(seen).size).toBe(count);
    expect(seen).toHaveLength(count);
  });

  it('shows a product with its reviews', async () => {
    const [row] =
      await application.sql`select product_id, count(*)::int from reviews group by 1 order by 2 desc`;
    const product = await ask(`/products/${row?.product_id}`);
    expect(product.body).toMatchObject({ id: row?.product_id, price_cents: expect.any(Number) });
    expect(product.body.reviews).toHaveLength(row?.count);
  });

  it('finds products by the words of their names, whatever the case', async () => {
    const [row] = await application.sql`select id, name from products where id = 17`;
    const found = await ask(`/search?q=${encodeURIComponent(String(row?.name).toUpperCase())}`);
    expect(found.body.items).toMatchObject([{ id: 17, name: row?.name }]);
  });

  it.each([
    ['/products?limit=0', 400],
    ['/products?limit=10&limit=20', 400],
    ['/products?cursor=x', 400],
    ['/products?category=%00', 400],
    ['/products/0', 400],
    ['/products/2147483648', 400],
    ['/products/9999', 404],
    ['/search', 400],
    [`/search?q=${'x'.repeat(101)}`, 400],
  ])('answers GET %s with %i', async (path, status) => {
    expect((await ask(path)).status).toBe(status);
  });

  it('finds nothing in a category or by a word that is not there', async () => {
    expect((await ask('/products?category=submarines')).body).toEqual({ items: [], next_cursor: null });
    expect((await ask("/search?q=';--")).body).toEqual({ items: [] });
  });
});

describe('buying', () => {
  it('asks for a login first', async () => {
    for (const path of ['/cart', '/orders', '/orders/1']) expect((await ask(path)).status).toBe(401);
    for (const path of ['/cart/items', '/orders'])
      expect((await post(path, 'session=stolen')).status).toBe(401);
  });

  it('fills a cart, takes a thing out, and orders the rest', async () => {
    const cookie = await newVisitor(application.db, 'anna');
    expect((await ask('/cart', { cookie })).body).toEqual({ items: [], total_cents: 0 });
    const first = await post('/cart/items', cookie, { product_id: 1, quantity: 60 });
    expect(first).toMatchObject({ status: 201, body: { product_id: 1, quantity: 60 } });
    expect((await post('/cart/items', cookie, { product_id: 1, quantity: 60 })).body.quantity).toBe(99);
    const second = await post('/cart/items', cookie, { product_id: 2, quantity: 1 });
    const third = await post('/cart/items', cookie, { product_id: 3, quantity: 2 });
    const item = `/cart/items/${second.body.id}`;
    expect((await ask(item, { method: 'DELETE', cookie })).status).toBe(204);
    expect((await ask(item, { method: 'DELETE', cookie })).status).toBe(404);
    expect(third.status).toBe(201);

    const { body: cart } = await ask('/cart', { cookie });
    const placed = await post('/orders', cookie);
    expect(placed).toMatchObject({ status: 201, body: { total_cents: cart.total_cents } });
    expect((await ask('/cart', { cookie })).body.items).toEqual([]);
    const order = await ask(`/orders/${placed.body.id}`, { cookie });
    expect(order.body.lines).toMatchObject([
      { line: 1, product_id: 1, quantity: 99 },
      { line: 2, product_id: 3, quantity: 2 },
    ]);
    expect((await ask('/orders', { cookie })).body.items).toMatchObject([{ id: placed.body.id }]);
  });

  it('makes one order of a cart that is checked out twice at once', async () => {
    const cookie = await newVisitor(application.db, 'berta');
    await post('/cart/items', cookie, { product_id: 5, quantity: 1 });
    const placed = await Promise.all([post('/orders', cookie), post('/orders', cookie)]);
    expect(placed.map(({ status }) => status).toSorted()).toEqual([201, 409]);
    expect((await ask('/orders', { cookie })).body.items).toHaveLength(1);
  });

  it('orders things past the cart, all of them or none', async () => {
    const cookie = await newVisitor(application.db, 'carla');
    const known = { product_id: 7, quantity: 2 };
    expect((await post('/orders', cookie, { items: [known, known] })).status).toBe(201);
    const unknown = await post('/orders', cookie, { items: [known, { product_id: 9999, quantity: 1 }] });
    expect(unknown).toMatchObject({ status: 404, body: { error: 'unknown_product' } });
    expect((await ask('/orders', { cookie })).body.items).toHaveLength(1);
  });

  it('keeps the carts and orders of others to themselves', async () => {
    const [dora, eve] = [await newVisitor(application.db, 'dora'), await newVisitor(application.db, 'eve')];
    const item = await post('/cart/items', dora, { product_id: 1, quantity: 1 });
    const method = 'DELETE';
    expect((await ask(`/cart/items/${item.body.id}`, { method, cookie: eve })).status).toBe(404);
    const order = await post('/orders', dora);
    expect((await ask(`/orders/${order.body.id}`, { cookie: eve })).status).toBe(404);
    expect((await ask('/orders/1', { cookie: eve })).status).toBe(404); // a guest's
  });

  it('refuses what it cannot sell', async () => {
    const cookie = await newVisitor(application.db, 'fay');
    const add = (product_id: unknown, quantity: unknown) =>
      post('/cart/items', cookie, { product_id, quantity });
    expect((await add(9999, 1)).body.error).toBe('unknown_product');
    for (const quantity of [0, -1, 100, 1.5, '1', undefined]) {
      expect((await add(1, quantity)).body.error).toBe('invalid_body');
    }
    expect((await post('/orders', cookie, { items: [] })).status).toBe(400);
    await application.sql`
      insert into cart_items (cart_id, product_id, quantity)
      select carts.id, n, 99 from carts join users u on u.id = user_id, generate_series(1, 100) n
      where username = 'fay'`;
    expect((await add(101, 1)).body.error).toBe('cart_full');
    expect((await post('/orders', cookie)).status).toBe(201);
  });
});
