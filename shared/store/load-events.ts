import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { loadEvents } from '../../drizzle/platform/schema/load-tests.ts';
import type { LoadEvent } from '../contracts/load-tests.ts';
import type { Executor } from '../platform/db.ts';

/** Notified with a test's id whenever there is something new to see of it. */
export const loadTestsChannel = 'load_tests';

export type LoadEventRow = typeof loadEvents.$inferSelect;

/** An event to be written; its time is now unless it says when it happened. */
export interface NewLoadEvent extends Pick<LoadEvent, 'type' | 'message'> {
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
          as (type text, message text, shard int, actor text, "atMs" float8)
      ) with ordinality as e(type, message, shard, actor, "atMs", position)
    ), appended as (
      insert into load_events (load_test_id, event)
      select id, jsonb_build_object(
        'type', type, 'message', message, 'shard', shard, 'actor', actor,
        'at', to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'second', round(extract(epoch from at - start_at), 3))
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
