import { sql } from 'drizzle-orm';
import { bigint, check, index, integer, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { JobError, JobEventName, JobProgress, JobStatus } from '../../../shared/contracts/job.ts';
import type { QueueActivity } from '../../../shared/contracts/worker.ts';

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });

/** One row a submission: what was asked, how far it is, what came out. The queue holds only a pointer to it. */
export const jobs = pgTable(
  'jobs',
  {
    id: uuid('id').primaryKey(),
    kind: text('kind').notNull(),
    status: text('status').$type<JobStatus>().notNull().default('queued'),
    payload: jsonb('payload').notNull(),
    progress: jsonb('progress').$type<JobProgress>(),
    result: jsonb('result'),
    error: jsonb('error').$type<JobError>(),
    requestedBy: text('requested_by').notNull(),
    /** Tries in this run. */
    attempts: integer('attempts').notNull().default(0),
    /** How often a worker took the job: only the holder of the newest epoch may write. */
    epoch: integer('epoch').notNull().default(0),
    /** Raised by a retry. */
    run: integer('run').notNull().default(0),
    worker: text('worker'),
    /** The outbox mark: null until the queue has the job. */
    enqueuedAt: moment('enqueued_at'),
    cancelRequestedAt: moment('cancel_requested_at'),
    createdAt: moment('created_at').notNull().defaultNow(),
    startedAt: moment('started_at'),
    finishedAt: moment('finished_at'),
  },
  table => [
    check(
      'jobs_status',
      sql`${table.status} in ('queued', 'running', 'succeeded', 'partially_succeeded', 'failed', 'cancelled')`,
    ),
    check('jobs_finished', sql`(${table.finishedAt} is null) = (${table.status} in ('queued', 'running'))`),
    index('jobs_open').on(table.id).where(sql`${table.status} in ('queued', 'running')`),
    index('jobs_kind').on(table.kind, table.id),
    index('jobs_kind_status').on(table.kind, table.status), // each scrape of the metrics counts by these alone
    index('jobs_status_id').on(table.status, table.id),
  ],
);

/** Append-only. Within one job, ids become visible in ascending order (see `shared/store/jobs/job-events.ts`). */
export const jobEvents = pgTable(
  'job_events',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    jobId: uuid('job_id')
      .notNull()
      .references(() => jobs.id, { onDelete: 'cascade' }),
    event: text('event').$type<JobEventName>().notNull(),
    data: jsonb('data').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  table => [index('job_events_job').on(table.jobId, table.id)],
);

/** One row a worker process: its heartbeat, and what it does. */
export const workers = pgTable(
  'workers',
  {
    id: uuid('id').primaryKey(),
    name: text('name').notNull(),
    host: text('host').notNull(),
    pid: integer('pid').notNull(),
    version: text('version').notNull(),
    queues: jsonb('queues').$type<Record<string, QueueActivity>>().notNull().default({}),
    /** Shards of load tests that it runs at once. */
    loadSlots: integer('load_slots').notNull().default(0),
    startedAt: moment('started_at').notNull().defaultNow(),
    lastSeenAt: moment('last_seen_at').notNull().defaultNow(),
    stoppedAt: moment('stopped_at'),
  },
  table => [index('workers_last_seen').on(table.lastSeenAt)],
);
