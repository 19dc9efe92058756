import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';
import type { EndpointMetrics, LoadMetrics, TimelinePoint } from '../../../shared/contracts/load-metrics.ts';
import type {
  LoadEvent,
  LoadTestConfig,
  LoadTestControl,
  LoadTestResult,
  LoadTestStatus,
  ThresholdResult,
} from '../../../shared/contracts/load-tests.ts';
import { jobs } from './jobs.ts';

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });

/** One row a load test: what was asked, what is in force, and, written each second, what was measured so far. */
export const loadTests = pgTable(
  'load_tests',
  {
    id: uuid('id').primaryKey(),
    jobId: uuid('job_id')
      .notNull()
      .unique()
      .references(() => jobs.id),
    status: text('status').$type<LoadTestStatus>().notNull().default('queued'),
    config: jsonb('config').$type<LoadTestConfig>().notNull(),
    control: jsonb('control').$type<LoadTestControl>().notNull(),
    /** Raised by every change of `control`. */
    controlVersion: integer('control_version').notNull().default(0),
    degraded: boolean('degraded').notNull().default(false),
    /** Why it ended other than by its schedule. */
    reason: jsonb('reason').$type<NonNullable<LoadTestResult['reason']>>(),
    metrics: jsonb('metrics').$type<LoadMetrics>(),
    endpoints: jsonb('endpoints').$type<Record<string, EndpointMetrics>>().notNull().default({}),
    thresholds: jsonb('thresholds').$type<ThresholdResult[]>().notNull().default([]),
    /** The instant, on the database's clock, from which every shard's schedule counts. */
    startAt: moment('start_at'),
    finishedAt: moment('finished_at'),
    /** The job's run for which the shards stand; behind `jobs.run` after a retry. */
    plannedRun: integer('planned_run').notNull().default(-1),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  table => [
    check(
      'load_tests_status',
      sql`${table.status} in ('queued', 'starting', 'running', 'paused', 'stopping', 'succeeded', 'failed', 'aborted')`,
    ),
    index('load_tests_active').on(table.id).where(sql`${table.finishedAt} is null`),
  ],
);

/**
 * A worker's part of a test. The lease is `worker`, `epoch` and `lease_until`: who takes the shard raises the epoch,
 * and what an older epoch writes changes nothing.
 */
export const loadShards = pgTable(
  'load_shards',
  {
    loadTestId: uuid('load_test_id')
      .notNull()
      .references(() => loadTests.id, { onDelete: 'cascade' }),
    shard: integer('shard').notNull(),
    /** assigned ──► ready ──► running ──► ended; lost: its worker went silent and nobody has taken it over. */
    status: text('status').$type<'assigned' | 'ready' | 'running' | 'lost' | 'ended'>().notNull(),
    workerId: uuid('worker_id').notNull(),
    worker: text('worker').notNull(),
    epoch: integer('epoch').notNull().default(0),
    leaseUntil: moment('lease_until').notNull(),
    requests: bigint('requests', { mode: 'number' }).notNull().default(0),
    /** When the test has ended: requests that were sent and are not among those, since nobody counted their end; null: unknown. */
    interrupted: bigint('interrupted', { mode: 'number' }),
  },
  table => [
    primaryKey({ columns: [table.loadTestId, table.shard] }),
    check('load_shards_status', sql`${table.status} in ('assigned', 'ready', 'running', 'lost', 'ended')`),
    index('load_shards_open').on(table.workerId).where(sql`${table.status} <> 'ended'`),
  ],
);

/** What a shard measured in a second; merged by the conductor, and gone some time after the test has ended. */
export const loadTicks = pgTable(
  'load_ticks',
  {
    loadTestId: uuid('load_test_id')
      .notNull()
      .references(() => loadTests.id, { onDelete: 'cascade' }),
    shard: integer('shard').notNull(),
    epoch: integer('epoch').notNull(),
    seq: integer('seq').notNull(),
    /** Of the run, from its start: a point of the timeline is the merge of its second's deltas. */
    second: integer('second').notNull(),
    delta: jsonb('delta').notNull(),
  },
  table => [
    primaryKey({ columns: [table.loadTestId, table.shard, table.epoch, table.seq] }),
    index('load_ticks_second').on(table.loadTestId, table.second),
  ],
);

export const loadTimeline = pgTable(
  'load_timeline',
  {
    loadTestId: uuid('load_test_id')
      .notNull()
      .references(() => loadTests.id, { onDelete: 'cascade' }),
    second: integer('second').notNull(),
    point: jsonb('point').$type<TimelinePoint>().notNull(),
  },
  table => [primaryKey({ columns: [table.loadTestId, table.second] })],
);

/** Marks of a test: status, controls with who asked, breakers, shards lost. Appended under the test's row lock. */
export const loadEvents = pgTable(
  'load_events',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    loadTestId: uuid('load_test_id')
      .notNull()
      .references(() => loadTests.id, { onDelete: 'cascade' }),
    event: jsonb('event').$type<LoadEvent>().notNull(),
  },
  table => [index('load_events_test').on(table.loadTestId, table.id)],
);

/** Samples of errors: a bounded number a test. */
export const loadErrors = pgTable(
  'load_errors',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    loadTestId: uuid('load_test_id')
      .notNull()
      .references(() => loadTests.id, { onDelete: 'cascade' }),
    shard: integer('shard').notNull(),
    /** Milliseconds from the start of the run. */
    atMs: bigint('at_ms', { mode: 'number' }).notNull(),
    endpoint: text('endpoint').notNull(),
    kind: text('kind').notNull(),
    status: integer('status'),
    message: text('message').notNull(),
    username: text('username'),
  },
  table => [index('load_errors_test').on(table.loadTestId, table.id)],
);
