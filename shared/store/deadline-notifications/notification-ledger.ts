import { type SQL, sql } from 'drizzle-orm';
import type { Channel } from '../../contracts/deadline-notifications.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import type { OfficeFailure, PageLease, PageTotals } from './notification-pages.ts';

/** Cycles of an office that several messages tell of. */
export interface CycleSelection {
  officeId: string;
  /** With commas between them: so many that they are never objects. */
  cycleIds: string;
}

/** A message that is about to go out. */
export interface DeliveryClaim {
  id: string;
  staffId: string;
  channel: Channel;
  /** An index into the selections of the checkpoint. */
  selection: number;
  /** `planned`, and `skipped` for want of a subscription, leave the ledger alone. */
  status: 'sending' | 'planned' | 'skipped';
}

/** What became of a delivery that was claimed. `released`: it was not tried, and is as if it had never been claimed. */
export interface DeliveryResult {
  id: string;
  status: 'sent' | 'failed' | 'unknown' | 'pending' | 'released';
  code?: string | undefined;
  detail?: string | undefined;
  attempts: number;
}

export interface Checkpoint {
  results: readonly DeliveryResult[];
  claims: readonly DeliveryClaim[];
  selections: readonly CycleSelection[];
  /** Deliveries that were refused for now, to be tried again. */
  resumed: readonly string[];
  /** Push subscriptions that are gone for good. */
  goneSubscriptions: readonly string[];
  /** Ends the page. */
  finish?: { totals: PageTotals; failures: readonly OfficeFailure[] };
}

/**
 * Settles what was sent and claims what comes next, in one statement. Results are written whoever holds the page by
 * now: they are facts, also about a delivery that was taken for unknown. Claims are made under the lease only, and for
 * cycles only that the ledger does not have; the row's lock makes two claims of one staff member wait for each other.
 * @returns the ids that may be sent, claimed or resumed; undefined when the lease is void
 */
export async function checkpoint(
  db: Executor,
  lease: PageLease,
  work: Checkpoint,
): Promise<Set<string> | undefined> {
  const [row] = await db.execute<{ held: boolean; claimed: string[] }>(sql`
    with held as (
      select run_id, run, page_index, epoch from muster.notification_pages
      where run_id = ${lease.runId} and run = ${lease.run} and page_index = ${lease.pageIndex}
        and epoch = ${lease.epoch} and status = 'running'
      for no key update
    ), ${settled(work)}, ${claimed(work)}, resumed as (
      update muster.notification_deliveries d set status = 'sending', epoch = held.epoch from held
      where d.id = any (${uuids(work.resumed)}) and d.status = 'pending' and d.epoch = held.epoch
      returning d.id
    ), pruned as (
      delete from push_subscriptions where id = any (${uuids(work.goneSubscriptions)})
    ), ${finished(work)}
    select exists (select from held) as held, array(
      select id::text from inserted where status = 'sending' union all select id::text from resumed
    ) as claimed`);
  return row?.held === true ? new Set(row.claimed) : undefined;
}

/** Values that need no quoting as one parameter: a list of them would be a statement of its own for every length. */
const array = (values: readonly (string | number)[]): SQL => sql`${`{${values.join(',')}}`}`;

const uuids = (ids: readonly string[]): SQL => sql`${array(ids)}::uuid[]`;

const records = (rows: readonly object[]): SQL => sql`${JSON.stringify(rows)}::jsonb`;

/** `failed` and `released` take their cycles out of the ledger: it is certain that nothing arrived. */
const settled = ({ results }: Checkpoint): SQL => sql`
  results as (
    select * from jsonb_to_recordset(${records(results)})
      as r(id uuid, status text, code text, detail text, attempts int)
  ), settled as (
    update muster.notification_deliveries d
    set status = case when d.status = 'unknown' and r.status = 'pending' then 'failed' else r.status end, code = r.code, detail = r.detail, attempts = r.attempts, settled_at = now()
    from results r
    where d.id = r.id and d.status in ('sending', 'unknown') and r.status <> 'released'
    returning d.office_id, d.staff_id, d.channel, d.cycle_ids, d.status
  ), released as (
    delete from muster.notification_deliveries d using results r
    where d.id = r.id and d.status in ('sending', 'pending', 'unknown') and r.status = 'released'
    returning d.office_id, d.staff_id, d.channel, d.cycle_ids
  ), undone as (
    select office_id, staff_id, channel, cycle_ids from settled where status = 'failed'
    union all select * from released
  ), freed as (
    update muster.notification_ledger l
    set cycle_ids = array(select unnest(l.cycle_ids) except select unnest(u.cycle_ids))
    from undone u where l.office_id = u.office_id and l.staff_id = u.staff_id and l.channel = u.channel
  )`;

/** Claims come as columns and each list of cycles once: half of what a record a claim would be, thousands at a time. */
const claimed = ({ claims, selections }: Checkpoint): SQL => {
  const keyed = selections.map(({ officeId, cycleIds }, selection) => ({
    selection,
    office_id: officeId,
    cycle_ids: `{${cycleIds}}`,
  }));
  const column = (name: keyof DeliveryClaim) => array(claims.map(claim => claim[name]));
  return sql`
  selections as materialized ( -- each list is read once, not once for every message that has it
    select selection, office_id, cycle_ids::uuid[] as cycle_ids
    from jsonb_to_recordset(${records(keyed)}) as s(selection int, office_id uuid, cycle_ids text)
  ), fresh as materialized (
    select c.*, s.office_id, s.cycle_ids, held.run_id, held.run, held.page_index, held.epoch
    from unnest(${column('id')}::uuid[], ${column('staffId')}::uuid[], ${column('channel')}::text[],
      ${column('selection')}::int[], ${column('status')}::text[]) as c(id, staff_id, channel, selection, status)
    join selections s using (selection)
    cross join held
  ), entered as (
    insert into muster.notification_ledger as l (office_id, staff_id, channel, cycle_ids)
    select office_id, staff_id, channel, cycle_ids from fresh where status = 'sending'
    on conflict (office_id, staff_id, channel) do update set cycle_ids = l.cycle_ids || excluded.cycle_ids
      where not l.cycle_ids && excluded.cycle_ids
    returning office_id, staff_id, channel
  ), inserted as (
    insert into muster.notification_deliveries
      (id, run_id, run, page_index, epoch, office_id, staff_id, channel, cycle_ids, status, code, detail)
    select f.id, f.run_id, f.run, f.page_index, f.epoch, f.office_id, f.staff_id, f.channel, f.cycle_ids, f.status,
      case f.status when 'skipped' then 'no_subscription' end,
      case f.status when 'skipped' then 'Push is on and no browser is subscribed' end
    from fresh f left join entered e using (office_id, staff_id, channel)
    where f.status <> 'sending' or e.office_id is not null
    returning id, status
  )`;
};

const finished = ({ finish }: Checkpoint): SQL => sql`
  finished as (
    update muster.notification_pages p set status = 'done', finished_at = now(),
      totals = ${JSON.stringify(finish?.totals ?? null)}::jsonb,
      failures = ${records(finish?.failures ?? [])}
    from held
    where ${finish !== undefined} and p.run_id = held.run_id and p.run = held.run
      and p.page_index = held.page_index
  )`;
