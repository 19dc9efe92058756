import { asc, eq } from 'drizzle-orm';
import { Router as createRouter, type Router } from 'express';
import { z } from 'zod';
import { orderLines, orders } from '../../../drizzle/application/schema/shop.ts';
import type { Executor } from '../../../shared/platform/postgres/db.ts';
import { parse } from '../refusal.ts';

const query = z.object({ orders: z.coerce.number().int().min(1).max(100).default(20) });

/**
 * `GET /performance/n-plus-one?orders=`: a list of orders, and then one query for the lines of each (20; at most
 * 100), one after the other, as a lazy object mapper does.
 */
export const nPlusOneRoutes = ({ db }: { db: Executor }): Router =>
  createRouter().get('/performance/n-plus-one', async (request, response) => {
    const { orders: count } = parse(query, request.query, 'query');
    const found = await db.select({ id: orders.id }).from(orders).orderBy(asc(orders.id)).limit(count);
    let lines = 0;
    for (const { id } of found) {
      const own = await db.select().from(orderLines).where(eq(orderLines.orderId, id));
      lines += own.length;
    }
    response.json({ orders: found.length, lines, queries: 1 + found.length });
  });
