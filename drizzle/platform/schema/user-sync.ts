import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { SyncFault, SyncFilter, SyncTarget } from '../../../shared/contracts/user-sync.ts';
import { jobs } from './jobs.ts';

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });
/** 64 bits, signed, as text: JavaScript has no such number. */
const hash64 = customType<{ data: string }>({ dataType: () => 'bigint' });
const count = (name: string) => integer(name).notNull().default(0);

/** A sync that was asked for. Its status and result are its job's; what is left to do are its chunks. */
export const syncRuns = pgTable(
  'sync_runs',
  {
    id: uuid('id').primaryKey(),
    jobId: uuid('job_id')
      .notNull()
      .unique()
      .references(() => jobs.id, { onDelete: 'cascade' }),
    target: jsonb('target').$type<SyncTarget>().notNull(),
    /** What two runs may not have at once: `load_tester`, `http:<base url>`, `file:<name>`. */
    targetKey: text('target_key').notNull(),
    /** The peer's key, encrypted; null for a target that needs none. */
    sealedApiKey: text('sealed_api_key'),
    direction: text('direction', { enum: ['push', 'pull', 'bidirectional'] }).notNull(),
    filter: jsonb('filter').$type<SyncFilter>().notNull(),
    conflictPolicy: text('conflict_policy', { enum: ['newest', 'application', 'load_tester'] }).notNull(),
    full: boolean('full').notNull(),
    dryRun: boolean('dry_run').notNull(),
    confirm: boolean('confirm').notNull(),
    /** Whether passwords leave this installation: an admin asked. The built-in pool has them in any case. */
    withCredentials: boolean('with_credentials').notNull(),
    /** What asked: a person, or the schedule. */
    trigger: text('trigger', { enum: ['request', 'schedule'] }).notNull(),
    /** Holds the target from the first look to the end. */
    active: boolean('active').notNull().default(false),
    /** The job's run for which the chunks stand; behind `jobs.run` after a retry. */
    plannedRun: integer('planned_run').notNull().default(-1),
    /**
     * `plan` only counts: for a dry run, and before deletions that may be too many. `copy` is for a pool that has none of
     * the users: its chunks are spans of keys, whose rows are streamed from one database to the other.
     */
    mode: text('mode', { enum: ['plan', 'apply', 'copy'] })
      .notNull()
      .default('apply'),
    /** Users in the filter on each side when the run began, and how many of them were the same. */
    applicationUsers: count('application_users'),
    targetUsers: count('target_users'),
    unchanged: count('unchanged'),
    /** Moved while comparing; chunks count their own. */
    comparedBytes: bigint('compared_bytes', { mode: 'number' }).notNull().default(0),
    /** The target's clock minus the application's. */
    clockSkewMs: count('clock_skew_ms'),
    /** What is older than this was seen: `modified_since` of a later run. */
    syncTimestamp: moment('sync_timestamp'),
    /** The oldest transaction of the application that this run may not have seen (`pg_snapshot_xmin`). */
    applicationXmin: hash64('application_xmin'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  table => [
    uniqueIndex('sync_runs_active').on(table.targetKey).where(sql`${table.active}`),
    index('sync_runs_target').on(table.targetKey, table.createdAt),
  ],
);

/**
 * Some thousand users that are not the same on both sides, or were not when it was written down. Doing a chunk twice
 * does no harm: it compares again. `epoch` goes up whenever a lane takes the chunk and whenever it is withdrawn.
 *
 *   pending ──► running ──► done          (done under `plan` goes back to pending for `apply`)
 *      └───────────┴──► cancelled
 */
export const syncChunks = pgTable(
  'sync_chunks',
  {
    runId: uuid('run_id')
      .notNull()
      .references(() => syncRuns.id, { onDelete: 'cascade' }),
    chunkIndex: integer('chunk_index').notNull(),
    /** Empty under `copy`. Emptied when the run ends. */
    usernames: text('usernames').array().notNull(),
    /** Under `copy`: from the application's key `firstKey` on, and before `nextKey`; null is without end. */
    firstKey: text('first_key'),
    nextKey: text('next_key'),
    /** How many users it had when it was written down, without those who were written down again in a later one. */
    users: count('users'),
    status: text('status').notNull().default('pending'),
    epoch: integer('epoch').notNull().default(0),
    lane: integer('lane'),
    worker: text('worker'),
    created: count('created'),
    updated: count('updated'),
    deletedInApplication: count('deleted_in_application'),
    deletedInTarget: count('deleted_in_target'),
    unchanged: count('unchanged'),
    failed: count('failed'),
    conflicts: count('conflicts'),
    bytes: bigint('bytes', { mode: 'number' }).notNull().default(0),
    /** The first of them, and until the run ends every one that is tried again; `failed` and `conflicts` count all. */
    faults: jsonb('faults').$type<SyncFault[]>().notNull().default([]),
    finishedAt: moment('finished_at'),
  },
  table => [
    primaryKey({ columns: [table.runId, table.chunkIndex] }),
    check('sync_chunks_status', sql`${table.status} in ('pending', 'running', 'done', 'cancelled')`),
  ],
);

/**
 * The digests that both sides had after the last sync with a peer: what a change on either side is told by. The
 * built-in pool keeps its own beside its accounts (`accounts.base_digest`).
 */
export const syncBases = pgTable(
  'sync_bases',
  {
    targetKey: text('target_key').notNull(),
    username: text('username').notNull(),
    digest: hash64('digest').notNull(),
    /** Known from a sync of test users only: such a one has these bases and no others. */
    ofTestUsers: boolean('of_test_users').notNull().default(false),
  },
  table => [primaryKey({ columns: [table.targetKey, table.username] })],
);
