import { sql } from 'drizzle-orm';
import type { Executor } from '../platform/postgres/db.ts';

/**
 * Has the server end the transaction, and its connection, after `ms` milliseconds, whatever the client does. A client
 * that is frozen between two messages of one statement is not idle to the server, so that
 * `idle_in_transaction_session_timeout` lets it keep its locks for good; `transaction_timeout` does not. Servers before
 * PostgreSQL 17 do not have it: there this does nothing.
 */
export async function limitTransaction(tx: Executor, ms: number): Promise<void> {
  await tx.execute(sql`
    select set_config(name, ${String(ms)}, true) from pg_settings where name = 'transaction_timeout'`);
}
