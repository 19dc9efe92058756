import { Router as createRouter, type Router } from 'express';
import { z } from 'zod';
import { sleep } from '../../../shared/kernel/time.ts';
import { parse } from '../refusal.ts';

const query = z.object({ ms: z.coerce.number().int().min(0).max(10_000).optional() });

/** Between half a second and two, as something slow downstream would take. */
const anyDelay = (): number => 500 + Math.floor(Math.random() * 1500);

/** `GET /performance/slow?ms=`: waits without working, 500 to 2,000 ms unless it is said, at most 10 s. */
export const slowRoutes = (): Router =>
  createRouter().get('/performance/slow', async (request, response) => {
    const { ms = anyDelay() } = parse(query, request.query, 'query');
    const left = new AbortController();
    response.once('close', () => left.abort());
    await sleep(ms, left.signal).catch(() => {}); // the client is gone: nobody waits any more
    response.json({ waited_ms: ms });
  });
