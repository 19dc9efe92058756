import { and, asc, desc, eq, lt, type SQL, sql } from 'drizzle-orm';
import { cartItems, carts, orderLines, orders, products } from '../../../drizzle/application/schema/shop.ts';
import type { Executor } from '../../../shared/platform/postgres/db.ts';

/** An order as it was placed. */
export interface PlacedOrder {
  id: number;
  total_cents: number;
}

/** Empties the user's cart into an order; undefined when nothing is in it. */
export const orderCart = (db: Executor, userId: string): Promise<PlacedOrder | undefined> =>
  place(
    db,
    userId,
    sql`delete from ${cartItems} using ${carts}
      where ${cartItems.cartId} = ${carts.id} and ${carts.userId} = ${userId}
      returning ${cartItems.productId}, ${cartItems.quantity}`,
  );

/** Orders these items, past the cart; undefined when one of them is no product. */
export const orderItems = (
  db: Executor,
  userId: string,
  items: { product_id: number; quantity: number }[],
): Promise<PlacedOrder | undefined> =>
  place(
    db,
    userId,
    sql`select product_id, quantity
      from jsonb_to_recordset(${JSON.stringify(items)}::text::jsonb) as item (product_id int, quantity int)`,
  );

/**
 * One statement, hence one transaction: at today's prices, all of what is wanted or nothing. Of two checkouts of
 * one cart at the same time, the second waits for the first's deletions and finds the cart empty.
 */
async function place(db: Executor, userId: string, wanted: SQL): Promise<PlacedOrder | undefined> {
  const [placed] = await db.execute<{ id: number; total_cents: number }>(sql`
    with wanted as (${wanted}),
    priced as (
      select product_id, quantity, price_cents, row_number() over (order by product_id) as line
      from wanted join ${products} on products.id = product_id
    ), placed as (
      insert into ${orders} (user_id, total_cents)
      select ${userId}::uuid, sum(quantity * price_cents) from priced
      having count(*) > 0 and count(*) = (select count(*) from wanted)
      returning id, total_cents
    ), lines as (
      insert into ${orderLines} (order_id, line, product_id, quantity, unit_price_cents)
      select placed.id, line, product_id, quantity, price_cents from placed cross join priced
    )
    select id, total_cents from placed`);
  return placed;
}

const order = { id: orders.id, total_cents: orders.totalCents, placed_at: orders.placedAt };

/** A user's orders, the newest first, from below `before` on. */
export const listOrders = (
  db: Executor,
  userId: string,
  { before, limit }: { before?: number | undefined; limit: number },
) =>
  db
    .select(order)
    .from(orders)
    .where(and(eq(orders.userId, userId), before === undefined ? undefined : lt(orders.id, before)))
    .orderBy(desc(orders.id))
    .limit(limit);

export async function findOrder(db: Executor, userId: string, id: number) {
  const [found] = await db
    .select(order)
    .from(orders)
    .where(and(eq(orders.id, id), eq(orders.userId, userId)));
  return found;
}

export const listLines = (db: Executor, orderId: number) =>
  db
    .select({
      line: orderLines.line,
      product_id: orderLines.productId,
      name: products.name,
      quantity: orderLines.quantity,
      unit_price_cents: orderLines.unitPriceCents,
    })
    .from(orderLines)
    .innerJoin(products, eq(products.id, orderLines.productId))
    .where(eq(orderLines.orderId, orderId))
    .orderBy(asc(orderLines.line));
