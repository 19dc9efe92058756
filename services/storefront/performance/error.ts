import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { Router as createRouter, type Response, type Router } from 'express';
import { z } from 'zod';
import type { Executor } from '../../../shared/platform/postgres/db.ts';
import { refuse } from '../errors.ts';
import { parse } from '../refusal.ts';

const kinds = [
  'answer',
  'exception',
  'type-error',
  'rejection',
  'database',
  'unavailable',
  'disconnect',
] as const;
type Kind = (typeof kinds)[number];

const query = z.object({ type: z.enum(kinds).optional() });

/** All that end in a status; a cut connection has to be asked for. */
const answered = kinds.filter(kind => kind !== 'disconnect');
const anyKind = (): Kind => answered[Math.floor(Math.random() * answered.length)] ?? 'exception';

/** What a checkout would read of an answer that lacks a part. */
const incomplete = z.custom<{ payment: { id: string } }>();

/**
 * `GET /performance/error?type=`: fails in one of several ways, any of those that end in a status unless it is said.
 * All are 500 but `unavailable`, a 503, and `disconnect`, which cuts the connection without an answer.
 */
export const errorRoutes = ({ db }: { db: Executor }): Router =>
  createRouter().get('/performance/error', async (request, response) => {
    const { type = anyKind() } = parse(query, request.query, 'query');
    await fail[type](response, db);
  });

const fail: Record<Kind, (response: Response, db: Executor) => unknown> = {
  answer: response => refuse(response, 500, 'payment_failed', 'The payment was not accepted'),
  exception() {
    throw new Error('The order has no address');
  },
  'type-error': () => incomplete.parse({}).payment.id,
  async rejection() {
    await nextTurn();
    throw new Error('The warehouse did not answer');
  },
  database: (_response, db) => db.execute(sql`select 1 / (select count(*) from pg_class where false)`),
  unavailable: response => refuse(response, 503, 'unavailable', 'The payment provider is away'),
  disconnect: response => response.destroy(),
};
