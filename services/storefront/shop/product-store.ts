import type { Sql } from '../../../shared/platform/postgres/db.ts';

/**
 * What most visits read. These go to the driver itself, as prepared statements: the query builder's are parsed and
 * planned by Postgres each time, and cost three times the CPU on both sides.
 */
interface ProductInList {
  id: number;
  sku: string;
  name: string;
  price_cents: number;
  category: string;
}

const inList = (sql: Sql) => sql`products.id, sku, products.name, price_cents, slug as category`;

export const listCategories = (sql: Sql) =>
  sql<{ slug: string; name: string }[]>`select slug, name from categories order by name`;

export const newestProducts = (sql: Sql, limit: number) =>
  sql<ProductInList[]>`
    select ${inList(sql)} from products join categories on categories.id = category_id
    order by products.id desc limit ${limit}`;

export interface ProductsWanted {
  category?: string | undefined;
  /** The id after which to go on. */
  after: number;
  limit: number;
}

/** Products in the order of their ids; none for a category that is not there. */
export const listProducts = (sql: Sql, { category, after, limit }: ProductsWanted) =>
  sql<ProductInList[]>`
    select ${inList(sql)} from products join categories on categories.id = category_id
    where products.id > ${after} ${category === undefined ? sql`` : sql`and slug = ${category}`}
    order by products.id limit ${limit}`;

/**
 * Products whose name has all words of the text, by the index over names. Ordered by a sum, or the planner would walk
 * the primary key and take the names apart one by one until it has enough.
 */
export const searchProducts = (sql: Sql, text: string, limit: number) =>
  sql<ProductInList[]>`
    select ${inList(sql)} from products join categories on categories.id = category_id
    where to_tsvector('simple', products.name) @@ plainto_tsquery('simple', ${text})
    order by products.id + 0 limit ${limit}`;

export async function findProduct(
  sql: Sql,
  id: number,
): Promise<(ProductInList & { description: string }) | undefined> {
  const [found] = await sql<(ProductInList & { description: string })[]>`
    select ${inList(sql)}, description from products join categories on categories.id = category_id
    where products.id = ${id}`;
  return found;
}

/** A product's reviews, the newest first. */
export const listReviews = (sql: Sql, productId: number, limit: number) =>
  sql<{ author: string; rating: number; body: string; created_at: Date }[]>`
    select author, rating, body, created_at from reviews
    where product_id = ${productId} order by id desc limit ${limit}`;
