import { sql } from 'drizzle-orm';
import { idOf } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/db.ts';

const dayMs = 86_400_000;

/** Days. What a dry run planned is looked at soon or never. */
const plansKept = 7;
/** Days. The ledger itself, which keeps anybody from being told twice, is kept for ever. */
const historyKept = 90;

/**
 * Deletes the deliveries and pages that are old, but for those that something is still to become of. Ids begin with
 * their moment, so that only what is old is read: plans, which have no index of their own, are looked for in the two
 * days after they grew old; what is missed there goes with the rest. Nothing where there are no notifications, as in
 * another application's database.
 */
export async function pruneNotifications(db: Executor): Promise<void> {
  const [found] = await db.execute<{ exists: boolean }>(
    sql`select to_regclass('muster.notification_deliveries') is not null as exists`,
  );
  if (found?.exists !== true) return;
  const nowMs = Date.now();
  const idBefore = (days: number): string => idOf(nowMs - days * dayMs, '');
  await db.execute(sql`
    with plans as (
      delete from muster.notification_deliveries
      where id > ${idBefore(plansKept + 2)} and id < ${idBefore(plansKept)} and status = 'planned'
    ), history as (
      delete from muster.notification_deliveries
      where id < ${idBefore(historyKept)} and status in ('planned', 'skipped', 'sent', 'failed')
    )
    delete from muster.notification_pages
    where finished_at < ${new Date(nowMs - historyKept * dayMs).toISOString()}`);
}
