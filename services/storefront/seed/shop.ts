import { type SQL, sql } from 'drizzle-orm';
import {
  categories,
  orderLines,
  orders,
  products,
  reviews,
} from '../../../drizzle/application/schema/shop.ts';
import type { Db, Executor } from '../../../shared/platform/postgres/db.ts';
import { withBareTables } from './bare-tables.ts';
import { words } from './words.ts';

/** How many rows to make. Orders have one to four lines: ten in four orders. */
export interface ShopSize {
  products: number;
  reviews: number;
  orders: number;
}

const fullSize: ShopSize = { products: 10_000, reviews: 30_000, orders: 40_000 };

/**
 * Fills an empty shop: the same rows every time, since what looks random is a hash of the row's number. Several
 * storefronts may call this at once: one fills, the others wait for it and find a shop that is not empty.
 * Needs a role that owns the tables.
 * @returns whether it was empty
 */
export async function seedShop(db: Db, size: ShopSize = fullSize): Promise<boolean> {
  return db.transaction(async tx => {
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('storefront seed', 0))`);
    const [stocked] = await tx.select({ id: products.id }).from(products).limit(1);
    if (stocked !== undefined) return false;
    await tx.execute(sql`set local work_mem = '32MB'`);
    await tx.execute(sql`set local default_statistics_target = 20`); // evenly spread rows: a tenth of a sample will do
    await withBareTables(tx, [products, reviews, orderLines], async () => {
      await stock(tx, size);
      await review(tx, size);
      await sell(tx, size);
    });
    await goOnCounting(tx, size);
    await tx.execute(sql`analyze ${categories}, ${products}, ${reviews}, ${orders}, ${orderLines}`);
    return true;
  });
}

async function stock(db: Executor, { products: count }: ShopSize): Promise<void> {
  await db.execute(sql`
    insert into ${categories} (id, slug, name)
    select n, lower(name), name
    from unnest(${textArray(words.departments)}) with ordinality as department (name, n)`);
  await db.execute(sql`
    insert into ${products} (id, category_id, sku, name, description, price_cents, created_at)
    select n, 1 + ${pick(sql`n`, 1, words.departments.length)}, 'SKU-' || lpad(n::text, 6, '0'),
      ${wordOf(words.adjectives, sql`n`, 2)} || ' ' || ${wordOf(words.nouns, sql`n`, 3)} || ' ' || n,
      'Made for every day, and for years of it. Wipe with a damp cloth. Batch ' || md5(n::text) || '.',
      199 + ${pick(sql`n`, 4, 20_000)}, timestamptz '2026-01-01Z' + n * interval '1 minute'
    from generate_series(1, ${count}::int) as n`);
}

async function review(db: Executor, { products: stocked, reviews: count }: ShopSize): Promise<void> {
  await db.execute(sql`
    insert into ${reviews} (id, product_id, author, rating, body, created_at)
    select n, 1 + ${pick(sql`n`, 5, stocked)}, 'customer ' || ${pick(sql`n`, 6, 5000)}, 1 + ${pick(sql`n`, 7, 5)},
      ${wordOf(words.opinions, sql`n`, 8)} || ' ' || ${wordOf(words.opinions, sql`n`, 9)}
        || ' My order was ' || md5(n::text) || '.',
      timestamptz '2026-02-01Z' + n * interval '1 minute'
    from generate_series(1, ${count}::int) as n`);
}

/** Guests' orders: no user has to exist for them, and none is kept from being deleted. */
async function sell(db: Executor, { products: stocked, orders: count }: ShopSize): Promise<void> {
  await db.execute(sql`
    with sold as materialized (
      select n, line, p.id as product_id, 1 + ${pick(sql`n * 4 + line`, 10, 3)} as quantity, p.price_cents
      from generate_series(1, ${count}::int) as n
      cross join lateral generate_series(1, 1 + n % 4) as line
      join ${products} as p on p.id = 1 + ${pick(sql`n * 4 + line`, 11, stocked)}
    ), placed as (
      insert into ${orders} (id, total_cents, placed_at)
      select n, sum(quantity * price_cents), timestamptz '2026-03-01Z' + n * interval '1 minute'
      from sold group by n order by n
    )
    insert into ${orderLines} (order_id, line, product_id, quantity, unit_price_cents)
    select n, line, product_id, quantity, price_cents from sold`);
}

/** The sequences do not know of the ids that were given. */
async function goOnCounting(db: Executor, size: ShopSize): Promise<void> {
  await db.execute(sql`
    select setval('categories_id_seq', ${words.departments.length}::int), setval('products_id_seq', ${size.products}::int),
      setval('reviews_id_seq', ${size.reviews}::int), setval('orders_id_seq', ${size.orders}::int)`);
}

/** A number from 0 to `below - 1`, always the same for the same row and salt. */
const pick = (row: SQL, salt: number, below: number): SQL =>
  sql`((hashint4extended(${row}, ${salt}::int) & 2147483647) % ${below}::int)::int`;

const wordOf = (list: string[], row: SQL, salt: number): SQL =>
  sql`(${textArray(list)})[1 + ${pick(row, salt, list.length)}]`;

/** Written out, so that the planner sees a constant and not a list to build for every row. */
const textArray = (list: string[]): SQL => sql.raw(`'{${list.map(word => `"${word}"`).join(',')}}'::text[]`);
