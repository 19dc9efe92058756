import { and, asc, desc, eq, gt, sql } from 'drizzle-orm';
import { categories, products, reviews } from '../../../drizzle/application/schema/shop.ts';
import type { Executor } from '../../../shared/platform/db.ts';

const inList = {
  id: products.id,
  sku: products.sku,
  name: products.name,
  price_cents: products.priceCents,
  category: categories.slug,
};

export const listCategories = (db: Executor) =>
  db.select({ slug: categories.slug, name: categories.name }).from(categories).orderBy(categories.name);

export const newestProducts = (db: Executor, limit: number) =>
  productsWithCategory(db).orderBy(desc(products.id)).limit(limit);

export interface ProductsWanted {
  category?: string | undefined;
  /** The id after which to go on. */
  after: number;
  limit: number;
}

/** Products in the order of their ids; none for a category that is not there. */
export const listProducts = (db: Executor, { category, after, limit }: ProductsWanted) =>
  productsWithCategory(db)
    .where(and(gt(products.id, after), category === undefined ? undefined : eq(categories.slug, category)))
    .orderBy(asc(products.id))
    .limit(limit);

/**
 * Products whose name has all words of the text, by the index over names. Ordered by a sum, or the planner would walk
 * the primary key and take the names apart one by one until it has enough.
 */
export const searchProducts = (db: Executor, text: string, limit: number) =>
  productsWithCategory(db)
    .where(sql`to_tsvector('simple', ${products.name}) @@ plainto_tsquery('simple', ${text})`)
    .orderBy(sql`${products.id} + 0`)
    .limit(limit);

export async function findProduct(db: Executor, id: number) {
  const [found] = await db
    .select({ ...inList, description: products.description })
    .from(products)
    .innerJoin(categories, eq(categories.id, products.categoryId))
    .where(eq(products.id, id));
  return found;
}

/** A product's reviews, the newest first. */
export const listReviews = (db: Executor, productId: number, limit: number) =>
  db
    .select({
      author: reviews.author,
      rating: reviews.rating,
      body: reviews.body,
      created_at: reviews.createdAt,
    })
    .from(reviews)
    .where(eq(reviews.productId, productId))
    .orderBy(desc(reviews.id))
    .limit(limit);

const productsWithCategory = (db: Executor) =>
  db.select(inList).from(products).innerJoin(categories, eq(categories.id, products.categoryId)).$dynamic();
