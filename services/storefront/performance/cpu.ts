import { createHash } from 'node:crypto';
import { Router as createRouter, type Router } from 'express';
import { z } from 'zod';
import { parse } from '../refusal.ts';

const query = z.object({ ms: z.coerce.number().int().min(0).max(2000).default(50) });

/** One look at the clock for so many digests. */
const roundSize = 100;

/**
 * `GET /performance/cpu?ms=`: hashes for that long (50 ms; at most 2 s), on the event loop on purpose. As in any
 * server that computes in a handler, every other request waits meanwhile: that is what a load test is to find.
 */
export const cpuRoutes = (): Router =>
  createRouter().get('/performance/cpu', (request, response) => {
    const { ms } = parse(query, request.query, 'query');
    response.json({ computed_ms: ms, ...hashFor(ms) });
  });

function hashFor(ms: number): { digests: number; digest: string } {
  const deadline = performance.now() + ms;
  let digest = 'storefront';
  let digests = 0;
  do {
    for (let round = 0; round < roundSize; round++)
      digest = createHash('sha256').update(digest).digest('hex');
    digests += roundSize;
  } while (performance.now() < deadline);
  return { digests, digest };
}
