import { sql } from 'drizzle-orm';
import { Router as createRouter, type Router } from 'express';
import { sleep } from '../../shared/kernel/time.ts';
import type { Executor } from '../../shared/platform/postgres/db.ts';

/** `GET /health`: 200, or 503 when the database does not answer in time. */
export function healthRoutes({ db, timeoutMs = 2000 }: { db: Executor; timeoutMs?: number }): Router {
  return createRouter().get('/health', async (_request, response) => {
    const database = await answers(db, timeoutMs);
    response.status(database ? 200 : 503).json({
      status: database ? 'ok' : 'down',
      uptime_seconds: Math.round(process.uptime()),
      checks: { database: database ? 'ok' : 'down' },
    });
  });
}

async function answers(db: Executor, timeoutMs: number): Promise<boolean> {
  const done = new AbortController();
  const ping = db.execute(sql`select 1`).then(
    () => true,
    () => false,
  );
  const tooLate = sleep(timeoutMs, done.signal).then(
    () => false,
    () => false,
  );
  return Promise.race([ping, tooLate]).finally(() => done.abort());
}
