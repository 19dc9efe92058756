import { sql } from 'drizzle-orm';
import type { Channel } from '../../contracts/deadline-notifications.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { type PackedAlerts, packedColumns } from './notification-alerts.ts';

/**
 * What a page of offices is read with: four statements, however many offices it has. Lists within an office come as one
 * JSON text, which is parsed when the office's turn comes: fifty thousand deadlines are then a few megabytes of text
 * and never fifty thousand objects at once.
 */
export interface OfficeRow {
  id: string;
  name: string;
  locale: string;
  /** JSON: `[id, email, name, notification_preferences]` of every active staff member, in the order of their ids. */
  staff: string | null;
}

/** Active offices after a given one, in the order of their ids, with those of their staff who can be told. */
export async function readOffices(
  db: Executor,
  { afterId, officeIds, limit }: { afterId: string | null; officeIds: string[] | null; limit: number },
): Promise<OfficeRow[]> {
  const wanted = officeIds === null ? sql`true` : sql`id = any (${list(officeIds)}::uuid[])`;
  const start = afterId === null ? sql`true` : sql`id > ${afterId}`;
  return db.execute<OfficeRow & Record<string, unknown>>(sql`
    select o.id, o.name, o.locale, s.staff
    from (
      select id, name, locale from offices where is_active and ${start} and ${wanted} order by id limit ${limit}
    ) o
    left join lateral (
      select json_agg(
        json_build_array(st.id, st.email, st.last_name || ' ' || st.first_name, st.notification_preferences)
        order by st.id)::text as staff
      from office_staffs os join staffs st on st.id = os.staff_id
      where os.office_id = o.id and st.is_active and not st.is_system
    ) s on true
    order by o.id`);
}

/** The deadlines of offices up to each one's horizon, those that have passed too. */
export async function readAlerts(
  db: Executor,
  horizons: ReadonlyMap<string, string>,
): Promise<Map<string, PackedAlerts>> {
  const rows = await db.execute<PackedAlerts & { officeId: string } & Record<string, unknown>>(sql`
    select due.office_id as "officeId", ${packedColumns}
    from unnest(${list([...horizons.keys()])}::uuid[], ${list([...horizons.values()])}::date[])
      as due(office_id, horizon)
    join support_plan_cycles c
      on c.office_id = due.office_id and c.is_latest_cycle and c.next_renewal_deadline <= due.horizon
    join welfare_recipients r on r.id = c.welfare_recipient_id
    group by due.office_id`);
  return new Map(rows.map(row => [row.officeId, row]));
}

export interface PushSubscription {
  id: string;
  endpoint: string;
  p256dh: string;
  auth: string;
}

/** Where each of these staff members takes push messages. */
export async function readSubscriptions(
  db: Executor,
  staffIds: readonly string[],
): Promise<Map<string, PushSubscription[]>> {
  const rows = await db.execute<PushSubscription & { staff_id: string } & Record<string, unknown>>(sql`
    select staff_id, id, endpoint, p256dh_key as p256dh, auth_key as auth
    from push_subscriptions where staff_id = any (${list(staffIds)}::uuid[]) order by id`);
  return Map.groupBy(rows, row => row.staff_id);
}

/** Staff of one office who were told of the same cycles over one channel. */
export interface ToldGroup {
  officeId: string;
  channel: Channel;
  /** `{id,id,...}`: text until the office's turn. */
  cycleIds: string;
  staffIds: string[];
}

/** What the ledger has of these offices. Most of an office's staff were told of the same: they come as one group. */
export async function readLedger(db: Executor, officeIds: readonly string[]): Promise<ToldGroup[]> {
  return db.execute<ToldGroup & Record<string, unknown>>(sql`
    select office_id as "officeId", channel, cycle_ids::text as "cycleIds",
      array_agg(staff_id::text) as "staffIds"
    from muster.notification_ledger
    where office_id = any (${list(officeIds)}::uuid[]) and cardinality(cycle_ids) > 0
    group by office_id, channel, cycle_ids`);
}

/** What a message is made of: one staff member, one office, some cycles. For previews. */
export interface MessageRow extends PackedAlerts {
  officeName: string;
  locale: string;
  staffName: string;
}

/** Undefined when any of them is gone. */
export async function readMessage(
  db: Executor,
  { officeId, staffId, cycleIds }: { officeId: string; staffId: string; cycleIds: readonly string[] },
): Promise<MessageRow | undefined> {
  const [row] = await db.execute<MessageRow & Record<string, unknown>>(sql`
    select o.name as "officeName", o.locale, s.last_name || ' ' || s.first_name as "staffName", alerts.*
    from offices o, staffs s, (
      select ${packedColumns}
      from support_plan_cycles c join welfare_recipients r on r.id = c.welfare_recipient_id
      where c.id = any (${list(cycleIds)}::uuid[])
    ) alerts
    where o.id = ${officeId} and s.id = ${staffId} and alerts.cycles is not null`);
  return row;
}

/** An array as one parameter. Only for ids and dates, which need no quoting. */
const list = (values: readonly string[]): string => `{${values.join(',')}}`;
