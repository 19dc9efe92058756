import { sql } from 'drizzle-orm';
import type { Db, Executor } from '../platform/postgres/db.ts';
import { limitTransaction } from './transactions.ts';

/** A leader that is frozen gives way after this. */
const longestTermMs = 30_000;

/**
 * Does `work` in a transaction that holds the advisory lock of `role`, so that one process at a time does it;
 * undefined when another one has the lock. The lock ends with the transaction, or with its connection.
 */
export function asLeader<T>(
  db: Db,
  role: string,
  work: (tx: Executor) => Promise<T>,
): Promise<T | undefined> {
  return db.transaction(async tx => {
    await limitTransaction(tx, longestTermMs);
    const [row] = await tx.execute<{ leads: boolean }>(
      sql`select pg_try_advisory_xact_lock(hashtextextended(${`muster:${role}`}, 0)) as leads`,
    );
    return row?.leads === true ? work(tx) : undefined;
  });
}
