import { sql } from 'drizzle-orm';
import { Router as createRouter, type Router } from 'express';
import { z } from 'zod';
import {
  categories,
  orderLines,
  orders,
  products,
  reviews,
} from '../../../drizzle/application/schema/shop.ts';
import type { Executor } from '../../../shared/platform/postgres/db.ts';
import { searchText } from '../input.ts';
import { parse } from '../refusal.ts';

const query = z.object({ category: searchText.optional() });

/**
 * `GET /performance/slow-query/complex-join?category=`: sales and ratings by category, of all or of one, in one join
 * of five tables. Each line meets each review of its product before anything is added up, and `distinct` repairs the
 * counts: the report that somebody wrote when there were a hundred orders.
 */
export const complexJoinRoutes = ({ db }: { db: Executor }): Router =>
  createRouter().get('/performance/slow-query/complex-join', async (request, response) => {
    const { category } = parse(query, request.query, 'query');
    response.json({ items: await salesByCategory(db, category) });
  });

const salesByCategory = (db: Executor, category: string | undefined) =>
  db.execute(sql`
    select c.slug as category, count(distinct o.id)::int as orders, count(distinct r.id)::int as reviews,
      round(avg(r.rating), 2)::float8 as rating, max(l.unit_price_cents * l.quantity) as largest_line_cents,
      max(o.placed_at) as last_order_at
    from ${categories} as c
    join ${products} as p on p.category_id = c.id
    join ${orderLines} as l on l.product_id = p.id
    join ${orders} as o on o.id = l.order_id
    left join ${reviews} as r on r.product_id = p.id
    where ${category ?? null}::text is null or c.slug = ${category ?? null}::text
    group by c.slug
    order by orders desc`);
