import { lt, sql } from 'drizzle-orm';
import { RateLimiterDrizzle } from 'rate-limiter-flexible';
import { rateLimits } from '../../../drizzle/platform/schema/access.ts';
import type { Db, Executor } from '../../platform/postgres/db.ts';

/**
 * A fixed window of one minute, counted in Postgres, so that all api processes share it. Callers that are
 * over the limit are answered from memory until their window ends.
 */
export const createRateLimiter = (db: Db, { name, perMinute }: { name: string; perMinute: number }) =>
  new RateLimiterDrizzle({
    storeClient: db,
    schema: rateLimits,
    keyPrefix: name,
    points: perMinute,
    duration: 60,
    inMemoryBlockOnConsumed: perMinute + 1,
    clearExpiredByTimeout: false,
  });

export async function pruneRateLimits(db: Executor): Promise<void> {
  await db.delete(rateLimits).where(lt(rateLimits.expire, sql`now() - interval '1 minute'`));
}
