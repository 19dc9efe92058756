import { orderLines, orders, products, reviews } from '../../../drizzle/application/schema/shop.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { smallShop } from '../../../test/fixtures/storefront.ts';
import { seedShop } from './shop.ts';

const { application } = testDatabases();
const empty = () => application.sql`truncate categories, products, reviews, orders, order_lines, cart_items`;

/** Constraints and indexes of the whole database, as text. */
const fittings = () => application.sql`
  select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint
  where connamespace = 'public'::regnamespace
  union all select indexname, indexdef from pg_indexes where schemaname = 'public' order by name, definition`;

/** One value that changes when any seeded row does. */
const digest = () => application.sql`
  select md5(string_agg(line, '|' order by line)) as digest from (
    select products::text as line from products union all select reviews::text from reviews
    union all select orders::text from orders union all select order_lines::text from order_lines) as rows`;

describe('the seed of the shop', () => {
  it('fills it once, however many storefronts start at the same time', async () => {
    const { db } = application;
    const filled = await Promise.all([1, 2, 3].map(() => seedShop(db, smallShop)));
    expect(filled.toSorted()).toEqual([false, false, true]);
    expect(await db.$count(products)).toBe(200);
    expect(await db.$count(reviews)).toBe(400);
    expect(await db.$count(orders)).toBe(100);
    expect(await db.$count(orderLines)).toBe(250);
  });

  it('makes orders that add up, of nobody', async () => {
    const wrong = await application.sql`
      select id from orders join order_lines on order_id = id
      group by id having total_cents <> sum(quantity * unit_price_cents) or max(user_id::text) is not null`;
    expect(wrong).toHaveLength(0);
  });

  it('makes the same shop every time, with all keys and indexes in place', async () => {
    const before = { rows: await digest(), fittings: await fittings() };
    await empty();
    expect(await seedShop(application.db, smallShop)).toBe(true);
    expect({ rows: await digest(), fittings: await fittings() }).toEqual(before);
  });

  it('leaves the tables as they are when it fails', async () => {
    const before = await fittings();
    await empty();
    await expect(seedShop(application.db, { ...smallShop, products: -1 })).rejects.toThrow();
    expect(await fittings()).toEqual(before);
    expect(await application.db.$count(products)).toBe(0);
  });
});
