import { Router as createRouter, type Router } from 'express';
import { z } from 'zod';
import type { Sql } from '../../../shared/platform/postgres/db.ts';
import { pageOf, pageQuery, pathWithId, searchText } from '../input.ts';
import { parse, Refusal } from '../refusal.ts';
import {
  findProduct,
  listCategories,
  listProducts,
  listReviews,
  newestProducts,
  searchProducts,
} from './product-store.ts';

const listQuery = pageQuery.extend({ category: searchText.optional() });
const searchQuery = z.object({ q: searchText });

const newestShown = 8;
const hitsShown = 20;
const reviewsShown = 20;

/** What anyone may look at: the home page, lists of products, one product, the search. */
export function productRoutes({ sql }: { sql: Sql }): Router {
  return createRouter()
    .get('/', async (_request, response) => {
      const [categories, newest] = await Promise.all([listCategories(sql), newestProducts(sql, newestShown)]);
      response.json({ name: 'The storefront', categories, newest });
    })
    .get('/products', async (request, response) => {
      const { category, limit, cursor = 0 } = parse(listQuery, request.query, 'query');
      response.json(pageOf(await listProducts(sql, { category, after: cursor, limit: limit + 1 }), limit));
    })
    .get('/products/:id', async (request, response) => {
      const { id } = parse(pathWithId, request.params, 'path');
      const [product, reviews] = await Promise.all([
        findProduct(sql, id),
        listReviews(sql, id, reviewsShown),
      ]);
      if (product === undefined) throw new Refusal(404, 'not_found', `There is no product ${id}`);
      response.json({ ...product, reviews });
    })
    .get('/search', async (request, response) => {
      const { q } = parse(searchQuery, request.query, 'query');
      response.json({ items: await searchProducts(sql, q, hitsShown) });
    });
}
