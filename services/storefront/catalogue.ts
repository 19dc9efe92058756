import { Router as createRouter, type Router } from 'express';
import { z } from 'zod';
import { parse } from './refusal.ts';

/** What a visit may be, for whoever generates visits: a share of them, and how long to wait, in seconds. */
interface Endpoint {
  name: string;
  url: string;
  method: 'GET' | 'POST';
  weight: number;
  timeout: number;
  description: string;
  requires_login?: true;
  body?: unknown;
}

const get = (name: string, url: string, weight: number, description: string, timeout = 10): Endpoint => ({
  name,
  url,
  method: 'GET',
  weight,
  timeout,
  description,
});

const post = (name: string, url: string, weight: number, description: string, body: unknown): Endpoint => ({
  ...get(name, url, weight, description),
  method: 'POST',
  body,
});

/** Weights as visits to a shop go: mostly looking around. */
const open: Endpoint[] = [
  get('home', '/', 15, 'The home page: categories and the newest products'),
  get('products', '/products?category=coffee&limit=20', 30, 'A page of a category'),
  get('product', '/products/42', 30, 'A product with its reviews'),
  get('search', '/search?q=lantern', 15, 'Search in the names of products'),
  get('slow', '/performance/slow', 2, 'Waits 0.5 to 2 s'),
  get('cpu', '/performance/cpu?ms=20', 1, 'Computes for 20 ms on the event loop'),
  get('memory', '/performance/memory', 1, 'Allocates 8 MB for 0.1 s'),
  get('n-plus-one', '/performance/n-plus-one', 2, 'A query for the list, and one for each of its items'),
  get('full-scan', '/performance/slow-query/full-scan', 2, 'Searches all reviews without an index', 30),
  get(
    'complex-join',
    '/performance/slow-query/complex-join?category=coffee',
    1,
    'Joins five tables to report on a category',
    30,
  ),
  get('error', '/performance/error', 1, 'Answers 500 or 503'),
];

const ofUsers: Endpoint[] = [
  get('profile', '/me', 5, 'Who is logged in'),
  get('cart', '/cart', 10, 'What is in the cart'),
  post('add-to-cart', '/cart/items', 10, 'Puts a product into the cart', { product_id: 7, quantity: 1 }),
  post('order', '/orders', 5, 'Orders two products at once, past the cart', {
    items: [
      { product_id: 7, quantity: 1 },
      { product_id: 42, quantity: 2 },
    ],
  }),
  get('orders', '/orders', 5, 'The latest orders of the user'),
].map(endpoint => ({ ...endpoint, requires_login: true as const }));

const query = z.object({ login: z.enum(['true', 'false']).default('false') });

/**
 * `GET /catalogue`: the endpoints that are worth a load test, with weights. What needs a session is listed with
 * weight 0, so that a run that follows the weights gets no 401; `?login=true` gives the weights for visitors who are
 * logged in.
 */
export const catalogueRoutes = (): Router =>
  createRouter().get('/catalogue', (request, response) => {
    const { login } = parse(query, request.query, 'query');
    const users = login === 'true' ? ofUsers : ofUsers.map(endpoint => ({ ...endpoint, weight: 0 }));
    response.json({ endpoints: [...open, ...users] });
  });
