import { sql } from 'drizzle-orm';
import {
  check,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core';
import { users } from './users.ts';

/**
 * The shop: what it sells, what lies in carts, what was ordered. Money is whole cents. Only carts and orders
 * belong to a user, and neither goes with its user by cascade: whoever deletes a user deletes these first, so
 * that no order is ever lost by accident. Items and lines are parts of their cart and order, and go with them.
 */

const identity = () => integer().primaryKey().generatedByDefaultAsIdentity();
const createdAt = () => timestamp('created_at', { withTimezone: true, precision: 3 }).notNull().defaultNow();

export const categories = pgTable('categories', {
  id: identity(),
  slug: varchar({ length: 100 }).notNull().unique(),
  name: varchar({ length: 100 }).notNull(),
});

export const products = pgTable(
  'products',
  {
    id: identity(),
    categoryId: integer('category_id')
      .notNull()
      .references(() => categories.id),
    sku: varchar({ length: 32 }).notNull().unique(),
    name: varchar({ length: 200 }).notNull(),
    description: text().notNull().default(''),
    priceCents: integer('price_cents').notNull(),
    createdAt: createdAt(),
  },
  table => [
    // A page of a category is read in the order of ids, from a cursor on.
    index('idx_products_category').on(table.categoryId, table.id),
    index('idx_products_name_words').using('gin', sql`to_tsvector('simple', ${table.name})`),
    check('products_price', sql`${table.priceCents} >= 0`),
  ],
);

export const reviews = pgTable(
  'reviews',
  {
    id: identity(),
    productId: integer('product_id')
      .notNull()
      .references(() => products.id, { onDelete: 'cascade' }),
    author: varchar({ length: 100 }).notNull(),
    rating: smallint().notNull(),
    /** Without an index on purpose: `/performance/slow-query/full-scan` searches it. */
    body: text().notNull(),
    createdAt: createdAt(),
  },
  table => [
    index('idx_reviews_product').on(table.productId, table.id),
    check('reviews_rating', sql`${table.rating} between 1 and 5`),
  ],
);

export const carts = pgTable('carts', {
  id: identity(),
  userId: uuid('user_id')
    .notNull()
    .unique()
    .references(() => users.id, { onDelete: 'restrict' }),
  createdAt: createdAt(),
});

export const cartItems = pgTable(
  'cart_items',
  {
    id: identity(),
    cartId: integer('cart_id')
      .notNull()
      .references(() => carts.id, { onDelete: 'cascade' }),
    productId: integer('product_id')
      .notNull()
      .references(() => products.id),
    quantity: integer().notNull(),
  },
  table => [
    unique('cart_items_once').on(table.cartId, table.productId),
    index('idx_cart_items_product').on(table.productId),
    check('cart_items_quantity', sql`${table.quantity} between 1 and 99`),
  ],
);

export const orders = pgTable(
  'orders',
  {
    id: identity(),
    /** Null for a guest's order, as all seeded ones are. */
    userId: uuid('user_id').references(() => users.id, { onDelete: 'restrict' }),
    totalCents: integer('total_cents').notNull(),
    placedAt: timestamp('placed_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
  },
  table => [
    // Serves a user's list of orders, newest first, and the foreign key when a user is deleted.
    index('idx_orders_user').on(table.userId, table.id).where(sql`${table.userId} is not null`),
    check('orders_total', sql`${table.totalCents} >= 0`),
  ],
);

export const orderLines = pgTable(
  'order_lines',
  {
    orderId: integer('order_id')
      .notNull()
      .references(() => orders.id, { onDelete: 'cascade' }),
    line: smallint().notNull(),
    productId: integer('product_id')
      .notNull()
      .references(() => products.id),
    quantity: integer().notNull(),
    /** The price on the day of the order. */
    unitPriceCents: integer('unit_price_cents').notNull(),
  },
  table => [
    primaryKey({ columns: [table.orderId, table.line] }),
    index('idx_order_lines_product').on(table.productId),
    check('order_lines_quantity', sql`${table.quantity} between 1 and 99`),
    check('order_lines_price', sql`${table.unitPriceCents} >= 0`),
  ],
);
