import { sql } from 'drizzle-orm';
import { notificationsRun } from '../../contracts/deadline-notifications.ts';
import type { Executor } from '../../platform/postgres/db.ts';

/**
 * Gives the id of the run that is on, dry runs aside, and keeps others from starting one until the transaction ends. Two
 * at once would tell nobody twice, since the ledger sees to that, but each would report a part.
 */
export async function lockRuns(tx: Executor): Promise<string | undefined> {
  await tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`muster:${notificationsRun.name}`}, 0))`,
  );
  const [row] = await tx.execute<{ id: string }>(sql`
    select id from jobs where kind = ${notificationsRun.name} and status in ('queued', 'running')
      and payload->>'dry_run' = 'false' limit 1`);
  return row?.id;
}
