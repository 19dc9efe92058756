import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { loadEvents } from '../../../drizzle/platform/schema/load-tests.ts';
import type { LoadEvent } from '../../contracts/load-tests.ts';
import type { Executor } from '../../platform/postgres/db.ts';

/** Notified with a test's id whenever there is something new to see of it. */
export const loadTestsChannel = 'load_tests';

export type LoadEventRow = typeof loadEvents.$inferSelect;

/** An event to be written; its time is now unless it says when it happened. */
export interface NewLoadEvent extends Pick<LoadEvent, 'type' | 'message' | 'silent'> {
  shard?: number;
  actor?: string;
  /** Milliseconds from the start of the run. */
  atMs?: number;
}

/**
 * Appends events to a test's log and wakes its readers. The test's row is locked first, and ids are drawn under the
 * lock, so that within one test they become visible in ascending order (`docs/decisions/004-event-order.md`).
 */
export async function appendLoadEvents(tx: Executor, testId: string, events: NewLoadEvent[]): Promise<void> {
  if (events.length === 0) return;
  await tx.execute(sql`
    with held as (
      select id, start_at from load_tests where id = ${testId} for no key update
    ), given as (
      select held.id, e.*, coalesce(held.start_at + e."atMs" * interval '1 millisecond', clock_timestamp()) as at,
        held.start_at
      from held, rows from (
        jsonb_to_recordset(${JSON.stringify(events)}::jsonb)
          as (type text, message text, shard int, silent boolean, actor text, "atMs" float8)
      ) with ordinality as e(type, message, shard, silent, actor, "atMs", position)
    ), appended as (
      insert into load_events (load_test_id, event)
      select id, jsonb_build_object(
        'type', type, 'message', message, 'shard', shard, 'actor', actor,
        'at', to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'second', round(extract(epoch from at - start_at), 3)) || jsonb_strip_nulls(jsonb_build_object('silent', silent))
      from given order by position
      returning load_test_id
    )
    select pg_notify(${loadTestsChannel}, id::text) from (select distinct load_test_id as id from appended) woken`);
}

/** The events of a test after `afterId`, oldest first. */
export function readLoadEvents(
  db: Executor,
  { testId, afterId = 0, limit }: { testId: string; afterId?: number | undefined; limit: number },
): Promise<LoadEventRow[]> {
  return db
    .select()
    .from(loadEvents)
    .where(and(eq(loadEvents.loadTestId, testId), gt(loadEvents.id, afterId)))
    .orderBy(asc(loadEvents.id))
    .limit(limit);
}

/**
 * The second of the run at which it was first stopped, by somebody (`requestStop`), with its job, or by a limit of its own;
 * undefined when it was not.
 */
export async function readStopSecond(db: Executor, testId: string): Promise<number | undefined> {
  const [row] = await db.execute<{ second: number | null }>(sql`
    select min((event->>'second')::float8) as second from load_events
    where load_test_id = ${testId} and (event->>'type' in ('error_limit', 'threshold_failed')
      or (event->>'type' = 'control' and event->>'message' ~ '^(emergency )?stop'))`);
  return row?.second ?? undefined;
}

/** How often somebody changed, paused or let go on a test, other than by a stop. */
export async function countChanges(db: Executor, testId: string): Promise<number> {
  const [row] = await db.execute<{ changes: number }>(sql`
    select count(*)::int as changes from load_events
    where load_test_id = ${testId} and event->>'type' = 'control' and event->>'message' !~ '^(emergency )?stop'`);
  return row?.changes ?? 0;
}

/** Counts over the whole log of a test. */
export interface LoadEventCounts {
  all: number;
  /** Workers that went silent. */
  silences: number;
  /** Engines that could not keep up. */
  saturations: number;
}

export async function countLoadEvents(db: Executor, testId: string): Promise<LoadEventCounts> {
  const [counts] = await db.execute<LoadEventCounts & Record<string, unknown>>(sql`
    select count(*)::int as all,
      (count(*) filter (where event->>'type' = 'shard_lost' and event->'silent' = 'true'))::int as silences,
      (count(*) filter (where event->>'type' = 'generator_saturated'))::int as saturations
    from load_events where load_test_id = ${testId}`);
  return counts ?? { all: 0, silences: 0, saturations: 0 };
}

/** An event that cost a run load, and how many such events there are in all. */
export interface Shortfall extends Pick<LoadEvent, 'second' | 'shard' | 'message'> {
  all: number;
}

/**
 * The first events that say why a run is degraded, with who went on for whom. A `shard_late` of no shard is none: the
 * shards that there are carry the whole load.
 */
export function readShortfalls(db: Executor, testId: string, limit: number): Promise<Shortfall[]> {
  return db.execute<Shortfall & Record<string, unknown>>(sql`
    select (event->>'second')::float8 as second, (event->>'shard')::int as shard, event->>'message' as message,
      (count(*) over ())::int as all
    from load_events where load_test_id = ${testId}
      and (event->>'type' in ('shard_lost', 'shard_taken_over', 'shard_cut_off')
        or (event->>'type' = 'shard_late' and event->>'shard' is not null))
    order by id limit ${limit}`);
}

/**
 * Events of a test, oldest first. When there are more than `limit`, those of breakers and of load reduction, which may
 * come again and again, give way to all others.
 */
export async function readMainLoadEvents(
  db: Executor,
  { testId, limit }: { testId: string; limit: number },
): Promise<LoadEvent[]> {
  const rows = await db.execute<{ event: LoadEvent }>(sql`
    select event from (
      select id, event from load_events where load_test_id = ${testId}
      order by event->>'type' in ('breaker_opened', 'breaker_closed', 'load_reduced', 'load_restored'), id
      limit ${limit}
    ) main order by id`);
  return rows.map(row => row.event);
}
