import { Router as createRouter, type Router } from 'express';
import { z } from 'zod';
import type { Executor, Sql } from '../../../shared/platform/postgres/db.ts';
import { pathWithId, readJson, rowId } from '../input.ts';
import { parse, Refusal } from '../refusal.ts';
import { currentUser } from '../sessions/current-user.ts';
import { addToCart, listCart, maxItems, maxQuantity, removeFromCart } from './cart-store.ts';
import { findProduct } from './product-store.ts';

/** What is to be bought, in a cart or an order. */
export const itemBody = z.object({ product_id: rowId, quantity: z.number().int().min(1).max(maxQuantity) });

/** The cart of whoever is logged in. */
export function cartRoutes({ db, sql }: { db: Executor; sql: Sql }): Router {
  return createRouter()
    .get('/cart', async (request, response) => {
      const user = await currentUser(sql, request, response);
      const items = await listCart(db, user.id);
      const total = items.reduce((sum, item) => sum + item.quantity * item.unit_price_cents, 0);
      response.json({ items, total_cents: total });
    })
    .post('/cart/items', readJson, async (request, response) => {
      const user = await currentUser(sql, request, response);
      const { product_id: productId, quantity } = parse(itemBody, request.body, 'body');
      const added = await addToCart(db, user.id, { productId, quantity });
      if (added === undefined) throw await whyNotAdded(sql, productId);
      response.status(201).json(added);
    })
    .delete('/cart/items/:id', async (request, response) => {
      const user = await currentUser(sql, request, response);
      const { id } = parse(pathWithId, request.params, 'path');
      if (!(await removeFromCart(db, user.id, id))) throw new Refusal(404, 'not_found');
      response.status(204).end();
    });
}

async function whyNotAdded(sql: Sql, productId: number): Promise<Refusal> {
  const product = await findProduct(sql, productId);
  return product === undefined
    ? new Refusal(404, 'unknown_product', `There is no product ${productId}`)
    : new Refusal(409, 'cart_full', `A cart holds ${maxItems} products`);
}
