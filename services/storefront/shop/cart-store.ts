import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import { cartItems, carts, products } from '../../../drizzle/application/schema/shop.ts';
import type { Executor } from '../../../shared/platform/postgres/db.ts';

/** How much of one product a cart or an order takes, and how many different ones a cart. */
export const maxQuantity = 99;
export const maxItems = 100;

export const listCart = (db: Executor, userId: string) =>
  db
    .select({
      id: cartItems.id,
      product_id: cartItems.productId,
      name: products.name,
      quantity: cartItems.quantity,
      unit_price_cents: products.priceCents,
    })
    .from(cartItems)
    .innerJoin(carts, eq(carts.id, cartItems.cartId))
    .innerJoin(products, eq(products.id, cartItems.productId))
    .where(eq(carts.userId, userId))
    .orderBy(asc(cartItems.id));

/**
 * Puts a product into the user's cart, which is made when there is none; of what is in it already there will be
 * more, up to 99. Gives undefined when there is no such product, or the cart is full.
 */
export async function addToCart(
  db: Executor,
  userId: string,
  item: { productId: number; quantity: number },
): Promise<{ id: number; product_id: number; quantity: number } | undefined> {
  const [added] = await db.execute<{ id: number; product_id: number; quantity: number }>(sql`
    with cart as (
      insert into ${carts} (user_id) values (${userId})
      on conflict (user_id) do update set user_id = excluded.user_id returning id
    )
    insert into ${cartItems} as item (cart_id, product_id, quantity)
    select cart.id, product.id, ${item.quantity}::int
    from cart join ${products} as product on product.id = ${item.productId}
    where (select count(*) from ${cartItems} as held where held.cart_id = cart.id) < ${maxItems}::int
    on conflict (cart_id, product_id)
    do update set quantity = least(${maxQuantity}::int, item.quantity + excluded.quantity)
    returning id, product_id, quantity`);
  return added;
}

/** Takes an item out of the user's cart; false when it is not there. */
export async function removeFromCart(db: Executor, userId: string, itemId: number): Promise<boolean> {
  const own = db.select({ id: carts.id }).from(carts).where(eq(carts.userId, userId));
  const removed = await db
    .delete(cartItems)
    .where(and(eq(cartItems.id, itemId), inArray(cartItems.cartId, own)));
  return removed.count === 1;
}
