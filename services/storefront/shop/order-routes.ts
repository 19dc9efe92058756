import { Router as createRouter, type Router } from 'express';
import { z } from 'zod';
import type { Executor, Sql } from '../../../shared/platform/postgres/db.ts';
import { pageOf, pageQuery, pathWithId, readJson } from '../input.ts';
import { parse, Refusal } from '../refusal.ts';
import { currentUser } from '../sessions/current-user.ts';
import { itemBody } from './cart-routes.ts';
import { maxItems } from './cart-store.ts';
import { findOrder, listLines, listOrders, orderCart, orderItems } from './order-store.ts';

/** Nothing checks the cart out; items are ordered at once, past the cart. */
const orderBody = z.object({ items: z.array(itemBody).min(1).max(maxItems).optional() }).default({});

/** The orders of whoever is logged in. */
export function orderRoutes({ db, sql }: { db: Executor; sql: Sql }): Router {
  return createRouter()
    .post('/orders', readJson, async (request, response) => {
      const user = await currentUser(sql, request, response);
      const { items } = parse(orderBody, request.body, 'body');
      const placed =
        items === undefined ? await orderCart(db, user.id) : await orderItems(db, user.id, items);
      if (placed === undefined) {
        throw items === undefined ? new Refusal(409, 'cart_empty') : new Refusal(404, 'unknown_product');
      }
      response.status(201).location(`/orders/${placed.id}`).json(placed);
    })
    .get('/orders', async (request, response) => {
      const user = await currentUser(sql, request, response);
      const { limit, cursor } = parse(pageQuery, request.query, 'query');
      response.json(pageOf(await listOrders(db, user.id, { before: cursor, limit: limit + 1 }), limit));
    })
    .get('/orders/:id', async (request, response) => {
      const user = await currentUser(sql, request, response);
      const { id } = parse(pathWithId, request.params, 'path');
      const found = await findOrder(db, user.id, id);
      if (found === undefined) throw new Refusal(404, 'not_found');
      response.json({ ...found, lines: await listLines(db, id) });
    });
}
