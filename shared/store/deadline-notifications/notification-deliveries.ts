import { and, asc, eq, gt, type SQL, sql } from 'drizzle-orm';
import { notificationDeliveries } from '../../../drizzle/application/schema/notifications.ts';
import { staffs } from '../../../drizzle/application/schema/welfare.ts';
import type { Channel, DeliveryStatus } from '../../contracts/deadline-notifications.ts';
import type { Executor } from '../../platform/postgres/db.ts';

/** Deliveries as people see and settle them. The workers' side is in `notification-ledger.ts`. */
export type DeliveryRow = typeof notificationDeliveries.$inferSelect;

export interface DeliveryFilter {
  /** All runs, when undefined: for the open statuses only, of which there are few. */
  runId?: string | undefined;
  status?: DeliveryStatus | undefined;
  channel?: Channel | undefined;
  afterId?: string | undefined;
  limit: number;
}

/** Deliveries of a run, over all its tries, or the open ones of all runs, in the order in which they were planned. */
export function listDeliveries(db: Executor, filter: DeliveryFilter): Promise<DeliveryRow[]> {
  const conditions: SQL[] = [
    filter.runId === undefined
      ? sql`${notificationDeliveries.status} in ('sending', 'pending', 'unknown')` // as the partial index has it
      : eq(notificationDeliveries.runId, filter.runId),
  ];
  if (filter.status !== undefined) conditions.push(eq(notificationDeliveries.status, filter.status));
  if (filter.channel !== undefined) conditions.push(eq(notificationDeliveries.channel, filter.channel));
  if (filter.afterId !== undefined) conditions.push(gt(notificationDeliveries.id, filter.afterId));
  return db
    .select()
    .from(notificationDeliveries)
    .where(and(...conditions))
    .orderBy(asc(notificationDeliveries.id))
    .limit(filter.limit);
}

export async function findDelivery(db: Executor, id: string): Promise<DeliveryRow | undefined> {
  const [row] = await db.select().from(notificationDeliveries).where(eq(notificationDeliveries.id, id));
  return row;
}

/** What a person found out of unknown deliveries, and who that was. */
export interface Finding {
  arrived: boolean;
  by: string;
}

/** Undefined when the delivery is not unknown. */
export async function settleDelivery(
  db: Executor,
  id: string,
  finding: Finding,
): Promise<DeliveryRow | undefined> {
  const settled = await settleUnknown(db, eq(notificationDeliveries.id, id), finding);
  return settled === 0 ? undefined : findDelivery(db, id);
}

/** All that a run has left unknown, over all its tries. @returns how many */
export const settleRun = (db: Executor, runId: string, finding: Finding): Promise<number> =>
  settleUnknown(db, eq(notificationDeliveries.runId, runId), finding);

/**
 * Settles unknown deliveries by what a person found out. Those that did not arrive go back out of the ledger, so that
 * the next run tells of them; there may be several for one person.
 */
async function settleUnknown(db: Executor, which: SQL, { arrived, by }: Finding): Promise<number> {
  const status: DeliveryStatus = arrived ? 'sent' : 'failed';
  const [row] = await db.execute<{ settled: number }>(sql`
    with settled as (
      update muster.notification_deliveries set status = ${status}, settled_at = now(), settled_by = ${by}
      where ${which} and status = 'unknown'
      returning office_id, staff_id, channel, cycle_ids
    ), undone as (
      select office_id, staff_id, channel, array_agg(distinct cycle_id) as cycle_ids
      from settled, unnest(cycle_ids) as cycle_id where ${!arrived} group by office_id, staff_id, channel
    ), freed as (
      update muster.notification_ledger l
      set cycle_ids = array(select unnest(l.cycle_ids) except select unnest(u.cycle_ids))
      from undone u where l.office_id = u.office_id and l.staff_id = u.staff_id and l.channel = u.channel
    )
    select count(*)::int as settled from settled`);
  return row?.settled ?? 0;
}

/** Turns e-mail off for a staff member, who asked for it. False when there is no such person. */
export async function turnOffEmail(db: Executor, staffId: string): Promise<boolean> {
  const changed = await db
    .update(staffs)
    .set({
      notificationPreferences: sql`${staffs.notificationPreferences} || '{"email_notification": false}'::jsonb`,
      updatedAt: sql`now()`,
    })
    .where(eq(staffs.id, staffId))
    .returning({ id: staffs.id });
  return changed.length > 0;
}
