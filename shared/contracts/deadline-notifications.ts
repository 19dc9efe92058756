import { z } from 'zod';
import { defineQueue } from '../platform/queue/contract.ts';
import { defineJob, type Outcome } from './job.ts';
import { mayBeRefused } from './refusal.ts';

/**
 * Deadline notifications: one job a run, which works through the first page of offices itself; each page that is full
 * opens the next as a task, taken by whichever worker is free, as soon as it has been read. What was sent stands in the
 * ledger beside the offices (`drizzle/application/schema/notifications.ts`), so that a run that dies, or is asked for
 * twice, tells nobody twice.
 */
export const channels = ['email', 'push'] as const;
export type Channel = (typeof channels)[number];

export const deliveryStatuses = [
  'planned',
  'skipped',
  'sending',
  'pending',
  'sent',
  'failed',
  'unknown',
] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];
/** Those that something is still to become of, by a worker or by a person. */
export const openDeliveryStatuses = ['unknown', 'sending', 'pending'] as const satisfies DeliveryStatus[];

/** A run as it is kept: every default filled in. */
export const notificationRunInput = z.strictObject({
  /** The day from which days are counted, in the time zone of the settings when the run was asked for. */
  as_of: z.iso.date(),
  dry_run: z.boolean(),
  channels: z.array(z.enum(channels)).min(1),
  office_concurrency: z.int().min(1).max(50),
  message_concurrency: z.int().min(1).max(50),
  /** Only these offices; null for all. */
  office_ids: z.array(z.uuid()).max(1000).nullable(),
});
export type NotificationRun = z.infer<typeof notificationRunInput>;

const count = z.int().min(0);

const notificationRunResult = z.object({
  dry_run: z.boolean(),
  offices: count,
  offices_failed: count,
  /** Offices where nobody could be told, having no active staff. */
  offices_without_staff: count,
  /** Deadlines that are near enough for at least one staff member of their office. */
  alerts: count,
  /** Staff members who were told, or would be, counted once an office. */
  recipients: count,
  /** In a dry run: how many would be sent. */
  emails_sent: count,
  pushes_sent: count,
  /** Messages that were left out, all of their deadlines having been told before. */
  skipped_already_sent: count,
  /** Pushes without a subscription to send them to. */
  skipped: count,
  failed: count,
  /** May have arrived: to be settled by hand. */
  unknown: count,
  /** Statements on the application's database that read the offices and what belongs to them. */
  read_queries: count,
  /** All statements on the application's database. */
  total_queries: count,
  /** The most by which a worker's memory grew over a page, in MiB. */
  peak_rss_growth_mb: z.number(),
  /** Seconds. */
  duration: z.number(),
});
export type NotificationRunResult = z.infer<typeof notificationRunResult>;

function outcomeOfRun(result: NotificationRunResult): Outcome {
  const { offices_failed, failed, unknown, emails_sent, pushes_sent } = result;
  if (offices_failed + failed + unknown === 0) return { status: 'succeeded' };
  if (emails_sent + pushes_sent > 0 || unknown > 0) return { status: 'partially_succeeded' };
  const message = `Nobody was told: ${failed} messages and ${offices_failed} offices failed; see the run's failures`;
  return { status: 'failed', error: { code: 'nobody_notified', message } };
}

export const notificationsRun = defineJob({
  name: 'deadline-notifications.run',
  input: notificationRunInput,
  output: notificationRunResult,
  outcome: outcomeOfRun,
  options: { concurrency: 2, attempts: 12, backoffMs: 1000, keepSeconds: 86_400 },
});

export const notificationsPage = defineQueue({
  name: 'deadline-notifications.page',
  payload: z.strictObject({
    run_id: z.uuid(),
    /** The job's run: a retry hands its pages out under new ids. */
    run: z.int().min(0),
    page_index: z.int().min(1),
  }),
  result: z.object(mayBeRefused),
  jobId: ({ run_id, run, page_index }) => `${run_id}-${run}-${page_index}`,
  options: { concurrency: 1, attempts: 12, backoffMs: 1000, keepSeconds: 3600 },
});

/** What the schedule puts into its queue; its moment is in the id that the queue gives it. */
export const notificationsTick = defineQueue({
  name: 'deadline-notifications.tick',
  payload: z.strictObject({}),
  result: z.object({ job_id: z.uuid().nullable() }),
  jobId: () => 'by-hand',
  options: { concurrency: 1, attempts: 5, backoffMs: 1000, keepSeconds: 86_400 },
});
