import { type SQL, sql } from 'drizzle-orm';
import type { OfficeFailure, PageTotals } from '../../../drizzle/application/schema/notifications.ts';
import type { Channel, DeliveryStatus } from '../../contracts/deadline-notifications.ts';
import type { Executor } from '../../platform/postgres/db.ts';

/** The pages of notification runs, in the application's database. The schema draws their states. */
export type { OfficeFailure, PageTotals };

export interface PageKey {
  runId: string;
  run: number;
  pageIndex: number;
}

/** The right to claim deliveries of a page: void as soon as its epoch has moved on. */
export interface PageLease extends PageKey {
  epoch: number;
  afterOffice: string | null;
}

/**
 * Takes a page that is not done, whoever held it before; the first one is made by it. Undefined when it is done.
 * @param sweep also settle what runs have left that will never go on: they failed for good, or were cancelled while
 *   their worker was lost. Should one be alive after all, it will still say what it sent. And prune long told sets.
 */
export async function takePage(
  db: Executor,
  { runId, run, pageIndex }: PageKey,
  { worker, sweep, longSet = 1000 }: { worker: string; sweep: boolean; longSet?: number },
): Promise<PageLease | undefined> {
  const orphaned = sql`${sweep} and (run_id, run) <> (${runId}::uuid, ${run}::int)`;
  const [row] = await db.execute<{ epoch: number; after_office: string | null }>(sql`
    with ${leftoversSettled(orphaned)}, ${longSetsPruned(sweep, longSet)}
    insert into muster.notification_pages as page (run_id, run, page_index, epoch, worker)
    values (${runId}, ${run}, ${pageIndex}, 1, ${worker})
    on conflict (run_id, run, page_index) do update set epoch = page.epoch + 1, worker = excluded.worker
      where page.status = 'running'
    returning epoch, after_office`);
  if (row === undefined) return undefined;
  return { runId, run, pageIndex, epoch: row.epoch, afterOffice: row.after_office };
}

/** Makes the page that follows; nothing when it is there already. */
export async function addPage(
  db: Executor,
  { runId, run, pageIndex }: PageKey,
  afterOffice: string,
): Promise<void> {
  await db.execute(sql`
    insert into muster.notification_pages (run_id, run, page_index, after_office)
    values (${runId}, ${run}, ${pageIndex}, ${afterOffice}) on conflict do nothing`);
}

/** Whom a message is for: a staff member of an office, over a channel. */
export interface Addressee {
  officeId: string;
  staffId: string;
  channel: Channel;
}

/**
 * Settles what the workers that had this page before were doing. What they planned or skipped goes, since it will be
 * planned again: it would be listed and counted twice.
 * @returns whom they told, or may have
 */
export async function settleLeftovers(
  db: Executor,
  { runId, run, pageIndex, epoch }: PageLease,
): Promise<Addressee[]> {
  const left = sql`run_id = ${runId} and run = ${run} and page_index = ${pageIndex} and epoch < ${epoch}`;
  return db.execute<Addressee & Record<string, unknown>>(sql`
    with ${leftoversSettled(left)}, replanned as (
      delete from muster.notification_deliveries where ${left} and status in ('planned', 'skipped')
    )
    select office_id as "officeId", staff_id as "staffId", channel from muster.notification_deliveries
    where ${left} and status in ('sending', 'sent', 'unknown')`);
}

/**
 * What was being sent may have arrived, so it is unknown; what waited for another try has not, so it goes back out of
 * the ledger and will be planned again.
 */
const leftoversSettled = (condition: SQL): SQL => sql`
  lost as (
    update muster.notification_deliveries set status = 'unknown', code = 'worker_lost', settled_at = now(),
      detail = 'The worker was lost while it was sending this: it may have arrived'
    where ${condition} and status = 'sending'
  ), waiting as (
    delete from muster.notification_deliveries where ${condition} and status = 'pending'
    returning office_id, staff_id, channel, cycle_ids
  ), freed as (
    update muster.notification_ledger l
    set cycle_ids = array(select unnest(l.cycle_ids) except select unnest(waiting.cycle_ids))
    from waiting
    where l.office_id = waiting.office_id and l.staff_id = waiting.staff_id and l.channel = waiting.channel
    returning 1
  )`;

/**
 * A told set of more than so many cycles, half of which no run will tell of again, is reduced to the others: cycles that
 * are an office's latest, or whose deadline was within the past year, should a later one be taken back. A set that
 * changes meanwhile, or that the leftovers change, waits for the next run.
 */
const longSetsPruned = (sweep: boolean, longSet: number): SQL => sql`
  long as (
    select l.office_id, l.staff_id, l.channel, l.cycle_ids as told, kept.cycle_ids
    from muster.notification_ledger l, lateral (
      select coalesce(array_agg(c.id), '{}') as cycle_ids from support_plan_cycles c
      where c.office_id = l.office_id and c.id = any (l.cycle_ids)
        and (c.is_latest_cycle or c.next_renewal_deadline > current_date - 365)
    ) kept
    where ${sweep} and cardinality(l.cycle_ids) > ${longSet}
      and cardinality(l.cycle_ids) >= 2 * cardinality(kept.cycle_ids)
  ), pruned as (
    update muster.notification_ledger l set cycle_ids = long.cycle_ids
    from long
    where l.office_id = long.office_id and l.staff_id = long.staff_id and l.channel = long.channel
      and l.cycle_ids = long.told
      and not exists (select from waiting w
        where w.office_id = l.office_id and w.staff_id = l.staff_id and w.channel = l.channel)
  )`;

/** Where one try of a run stands. */
export interface RunState {
  /** Sums over the pages that are done; the memory's growth is the largest of them. */
  totals: PageTotals;
  /** How many pages there are until now. */
  pages: number;
  /** The indexes of those that are not done. */
  open: number[];
  /** Counted once no page is open. */
  deliveries: { channel: Channel; status: DeliveryStatus; count: number }[];
  /** Staff members whom these are for, those skipped left out; counted once an office, whichever worker told them. */
  recipients: number;
}

const sums = [
  'offices',
  'offices_failed',
  'offices_without_staff',
  'alerts',
  'skipped_already_sent',
  'read_queries',
  'total_queries',
] as const satisfies (keyof PageTotals)[];

/**
 * Reads where a run stands, in one statement. Its deliveries, of which there may be a hundred thousand, are counted when
 * it is over, so that asking again and again costs next to nothing. @param isOver also where pages will stay open
 */
export async function readRun(
  db: Executor,
  { runId, run }: Pick<PageKey, 'runId' | 'run'>,
  isOver = false,
): Promise<RunState> {
  const mine = sql`run_id = ${runId} and run = ${run}`;
  const running = sql`select page_index from muster.notification_pages where ${mine} and status = 'running'`;
  const over = sql`(${isOver} or not exists (${running}))`;
  const [row] = await db.execute<RunState & Record<string, unknown>>(sql`
    select (
      select jsonb_build_object(${sql.join(
        sums.map(name => sql`${name}::text, coalesce(sum((totals->>${name})::int), 0)`),
        sql`, `,
      )}, 'peak_rss_growth_mb', coalesce(max((totals->>'peak_rss_growth_mb')::float8), 0))
      from muster.notification_pages where ${mine}
    ) as totals, (
      select count(*)::int from muster.notification_pages where ${mine}
    ) as pages, array(${running} order by page_index) as open, case when ${over} then (
      select coalesce(jsonb_agg(jsonb_build_object('channel', channel, 'status', status, 'count', count)), '[]')
      from (
        select channel, status, count(*) from muster.notification_deliveries where ${mine} group by channel, status
      ) as counted
    ) else '[]' end as deliveries, case when ${over} then (
      select count(*)::int from (
        select distinct office_id, staff_id from muster.notification_deliveries where ${mine} and status <> 'skipped'
      ) as addressed
    ) else 0 end as recipients`);
  if (row === undefined) throw new Error('A select without a from gave no row');
  return row;
}

/** What a run has failed at: whole offices, and single messages. */
export interface RunFailure extends OfficeFailure {
  /** The place in the list, for a cursor. */
  position: string;
  staff_id: string | null;
  channel: string | null;
}

/** Failures of a run, over all its tries, in a stable order. */
export async function listRunFailures(
  db: Executor,
  { runId, after = '', limit }: { runId: string; after?: string | undefined; limit: number },
): Promise<RunFailure[]> {
  return db.execute<RunFailure & Record<string, unknown>>(sql`
    select * from (
      select f.office_id::text || '/' || p.run || '/office' as position, f.office_id::text, null as staff_id,
        null as channel, f.code, f.detail
      from muster.notification_pages p,
        jsonb_to_recordset(p.failures) as f(office_id uuid, code text, detail text)
      where p.run_id = ${runId}
      union all
      select office_id::text || '/' || run || '/' || id, office_id::text, staff_id::text, channel,
        coalesce(code, ''), coalesce(detail, '')
      from muster.notification_deliveries where run_id = ${runId} and status = 'failed'
    ) as failures
    where position > ${after} collate "C" order by position collate "C" limit ${limit}`);
}
