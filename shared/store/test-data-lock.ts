import { sql } from 'drizzle-orm';
import type { Executor } from '../platform/postgres/db.ts';

/**
 * One lock over the application's test data. Who adds rows holds it with others; who removes or replaces rows (a
 * restore, a deletion) holds it alone, so that no half-made dataset gets between. The transaction's end gives it back.
 */
export const testDataLock = "hashtextextended('muster test data', 0)";

const key = sql.raw(testDataLock);

export async function shareTestData(tx: Executor): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock_shared(${key})`);
}

export async function claimTestData(tx: Executor): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${key})`);
}
