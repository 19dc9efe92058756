import { sql } from 'drizzle-orm';
import { check, index, integer, jsonb, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { muster } from './ledger.ts';

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });

/** What an office's failure looks like in a page: nobody of that office was told anything. */
export interface OfficeFailure {
  office_id: string;
  code: string;
  detail: string;
}

/** What a page counted besides its deliveries. */
export interface PageTotals {
  offices: number;
  offices_failed: number;
  offices_without_staff: number;
  alerts: number;
  skipped_already_sent: number;
  read_queries: number;
  total_queries: number;
  peak_rss_growth_mb: number;
}

/**
 * The pages of a run: some hundred offices each, in the order of their ids. `epoch` goes up whenever a worker takes the
 * page; deliveries are claimed under the newest epoch only.
 *
 *   running ──► done
 */
export const notificationPages = muster.table(
  'notification_pages',
  {
    runId: uuid('run_id').notNull(),
    /** The job's run: a retry goes over all offices again, and the ledger keeps it from telling anybody twice. */
    run: integer('run').notNull(),
    pageIndex: integer('page_index').notNull(),
    /** The page begins after this office; null for the first. */
    afterOffice: uuid('after_office'),
    status: text('status').notNull().default('running'),
    epoch: integer('epoch').notNull().default(0),
    worker: text('worker'),
    totals: jsonb('totals').$type<PageTotals>(),
    failures: jsonb('failures').$type<OfficeFailure[]>().notNull().default([]),
    finishedAt: moment('finished_at'),
  },
  table => [
    primaryKey({ columns: [table.runId, table.run, table.pageIndex] }),
    check('notification_pages_status', sql`${table.status} in ('running', 'done')`),
  ],
);

/**
 * Who was told of which deadlines, for ever: one row a staff member, office and channel, with the cycles of which that
 * person was told or is being told. A cycle is entered before the message goes out, by one statement that does nothing
 * if it stands there already: this is what keeps anybody from being told twice.
 */
export const notificationLedger = muster.table(
  'notification_ledger',
  {
    officeId: uuid('office_id').notNull(),
    staffId: uuid('staff_id').notNull(),
    channel: text('channel').notNull(),
    cycleIds: uuid('cycle_ids').array().notNull(),
  },
  table => [
    primaryKey({ columns: [table.officeId, table.staffId, table.channel] }),
    check('notification_ledger_channel', sql`${table.channel} in ('email', 'push')`),
  ],
);

/**
 * One message to one staff member of one office over one channel.
 *
 *   planned                                          (a dry run's: nothing was sent, the ledger knows nothing of it)
 *   skipped                                          (there was nowhere to send it to; a later run may)
 *   sending ──► sent | failed | unknown              (unknown: it may have arrived; settled by a person)
 *      └─► pending ──► sending                       (refused for now: another try follows)
 *   unknown ──► sent | failed
 *
 * `failed` takes the cycles out of the ledger again: it is certain that nothing arrived, so that a later run tells. So
 * does a worker that says it never tried one, also where it was taken for unknown: of that no row is left.
 */
export const notificationDeliveries = muster.table(
  'notification_deliveries',
  {
    id: uuid('id').primaryKey(),
    runId: uuid('run_id').notNull(),
    run: integer('run').notNull(),
    pageIndex: integer('page_index').notNull(),
    /** The page's, when the delivery was claimed. */
    epoch: integer('epoch').notNull(),
    officeId: uuid('office_id').notNull(),
    staffId: uuid('staff_id').notNull(),
    channel: text('channel').notNull(),
    cycleIds: uuid('cycle_ids').array().notNull(),
    status: text('status').notNull(),
    code: text('code'),
    detail: text('detail'),
    attempts: integer('attempts').notNull().default(0),
    createdAt: moment('created_at').notNull().defaultNow(),
    settledAt: moment('settled_at'),
    /** Who settled an unknown one by hand. */
    settledBy: text('settled_by'),
  },
  table => [
    index('notification_deliveries_run').on(table.runId, table.id),
    // What is under way, and what a crash left: few, whatever the history.
    index('notification_deliveries_open')
      .on(table.id)
      .where(sql`${table.status} in ('sending', 'pending', 'unknown')`),
    check('notification_deliveries_channel', sql`${table.channel} in ('email', 'push')`),
    check(
      'notification_deliveries_status',
      sql`${table.status} in ('planned', 'skipped', 'sending', 'pending', 'sent', 'failed', 'unknown')`,
    ),
  ],
);

/** The pace of a channel over all workers: when its next message may go out. */
export const notificationPaces = muster.table('notification_paces', {
  channel: text('channel').primaryKey(),
  nextAt: timestamp('next_at', { withTimezone: true, mode: 'date' }).notNull(),
});
