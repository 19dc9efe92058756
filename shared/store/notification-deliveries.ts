import { and, asc, eq, gt, type SQL, sql } from 'drizzle-orm';
import { notificationDeliveries } from '../../drizzle/application/schema/notifications.ts';
import { staffs } from '../../drizzle/application/schema/welfare.ts';
import type { Channel, DeliveryStatus } from '../contracts/deadline-notifications.ts';
import type { Executor } from '../platform/db.ts';

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

/**
 * Settles an unknown delivery by what a person found out. One that did not arrive goes back out of the ledger, so that
 * the next run tells of it. Undefined when the delivery is not unknown.
 */
export async function settleDelivery(
  db: Executor,
  { id, arrived, by }: { id: string; arrived: boolean; by: string },
): Promise<DeliveryRow | undefined> {
  const status: DeliveryStatus = arrived ? 'sent' : 'failed';
  const changed = await db.execute(sql`
    with settled as (
      update muster.notification_deliveries set status = ${status}, settled_at = now(), settled_by = ${by}
      where id = ${id} and status = 'unknown'
      returning id, office_id, staff_id, channel, cycle_ids
    ), freed as (
      update muster.notification_ledger l
      set cycle_ids = array(select unnest(l.cycle_ids) except select unnest(s.cycle_ids))
      from settled s
      where ${!arrived} and l.office_id = s.office_id and l.staff_id = s.staff_id and l.channel = s.channel
    )
    select id from settled`);
  return changed.length === 0 ? undefined : findDelivery(db, id);
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
