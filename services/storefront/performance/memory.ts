import { Router as createRouter, type Router } from 'express';
import { z } from 'zod';
import { sleep } from '../../../shared/kernel/time.ts';
import { parse, Refusal } from '../refusal.ts';

const query = z.object({
  mb: z.coerce.number().int().min(1).max(64).default(8),
  hold_ms: z.coerce.number().int().min(0).max(2000).default(100),
});

const bytesPerMb = 1024 * 1024;
/** So that the process outlives any number of requests, in a container of 512 MB too. */
const defaultBudgetMb = 256;

/**
 * `GET /performance/memory?mb=&hold_ms=`: allocates (8 MB; at most 64) and writes to every page, holds it for a
 * moment, lets go. Past a budget of 256 MB for all requests together it answers 503, as a server that sheds load.
 */
export function memoryRoutes({ budgetMb = defaultBudgetMb }: { budgetMb?: number } = {}): Router {
  let heldMb = 0;
  return createRouter().get('/performance/memory', async (request, response) => {
    const { mb, hold_ms: holdMs } = parse(query, request.query, 'query');
    if (heldMb + mb > budgetMb) throw new Refusal(503, 'out_of_memory', `${heldMb} MB are in use`);
    heldMb += mb;
    try {
      const bytes = await hold(mb * bytesPerMb, holdMs);
      response.json({ allocated_bytes: bytes, held_ms: holdMs });
    } finally {
      heldMb -= mb;
    }
  });
}

async function hold(bytes: number, ms: number): Promise<number> {
  const block = Buffer.alloc(bytes, 1); // not zeroes: those the system hands out without giving any memory
  await sleep(ms);
  return block.length;
}
