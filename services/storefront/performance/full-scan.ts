import { desc, ilike, sql } from 'drizzle-orm';
import { Router as createRouter, type Router } from 'express';
import { z } from 'zod';
import { reviews } from '../../../drizzle/application/schema/shop.ts';
import type { Executor } from '../../../shared/platform/postgres/db.ts';
import { searchText } from '../input.ts';
import { parse } from '../refusal.ts';

const query = z.object({ q: searchText.default('second thought') });

const hitsShown = 20;

/** Every review that has the text anywhere in it: without an index there is nothing but to read all of them. */
export const reviewsWith = (db: Executor, text: string) =>
  db
    .select({
      id: reviews.id,
      rating: reviews.rating,
      body: reviews.body,
      hits: sql<string>`count(*) over ()`,
    })
    .from(reviews)
    .where(ilike(reviews.body, `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`))
    .orderBy(desc(reviews.createdAt))
    .limit(hitsShown);

/** `GET /performance/slow-query/full-scan?q=`: searches the text of all reviews, which has no index. */
export const fullScanRoutes = ({ db }: { db: Executor }): Router =>
  createRouter().get('/performance/slow-query/full-scan', async (request, response) => {
    const { q } = parse(query, request.query, 'query');
    const found = await reviewsWith(db, q);
    response.json({
      hits: Number(found[0]?.hits ?? 0),
      items: found.map(({ hits: _hits, ...item }) => item),
    });
  });
