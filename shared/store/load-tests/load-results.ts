import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { loadErrors, loadTimeline } from '../../../drizzle/platform/schema/load-tests.ts';
import type { TimelinePoint } from '../../contracts/load-metrics.ts';
import type { Executor } from '../../platform/postgres/db.ts';

/** What a load test measured over time, and samples of what went wrong. */
export type LoadErrorRow = typeof loadErrors.$inferSelect;
export type NewLoadError = Omit<LoadErrorRow, 'id' | 'loadTestId'>;

/** Points of a test's timeline after a second, in their order. A second that is not there is a gap. */
export async function readTimeline(
  db: Executor,
  { testId, afterSecond = -1, limit }: { testId: string; afterSecond?: number | undefined; limit: number },
): Promise<TimelinePoint[]> {
  const rows = await db
    .select({ point: loadTimeline.point })
    .from(loadTimeline)
    .where(and(eq(loadTimeline.loadTestId, testId), gt(loadTimeline.second, afterSecond)))
    .orderBy(asc(loadTimeline.second))
    .limit(limit);
  return rows.map(row => row.point);
}

const timelinePage = 1000;

/** The whole timeline of a test, page by page: of a long run it is too much to hold at once. */
export async function* readTimelinePages(db: Executor, testId: string): AsyncGenerator<TimelinePoint[]> {
  let afterSecond: number | undefined = -1;
  while (afterSecond !== undefined) {
    const page: TimelinePoint[] = await readTimeline(db, { testId, afterSecond, limit: timelinePage });
    yield page;
    afterSecond = page.length < timelinePage ? undefined : page.at(-1)?.second;
  }
}

/** The newest second of a test's timeline; -1 when there is none. */
export async function readLastSecond(db: Executor, testId: string): Promise<number> {
  const [row] = await db
    .select({ second: sql<number>`coalesce(max(${loadTimeline.second}), -1)` })
    .from(loadTimeline)
    .where(eq(loadTimeline.loadTestId, testId));
  return row?.second ?? -1;
}

/** Writes points, replacing those of the same seconds. */
export async function saveTimeline(tx: Executor, testId: string, points: TimelinePoint[]): Promise<void> {
  if (points.length === 0) return;
  await tx
    .insert(loadTimeline)
    .values(points.map(point => ({ loadTestId: testId, second: point.second, point })))
    .onConflictDoUpdate({
      target: [loadTimeline.loadTestId, loadTimeline.second],
      set: { point: sql`excluded.point` },
    });
}

/** Samples of a test's errors after `afterId`, oldest first. */
export function listLoadErrors(
  db: Executor,
  { testId, afterId = 0, limit }: { testId: string; afterId?: number | undefined; limit: number },
): Promise<LoadErrorRow[]> {
  return db
    .select()
    .from(loadErrors)
    .where(and(eq(loadErrors.loadTestId, testId), gt(loadErrors.id, afterId)))
    .orderBy(asc(loadErrors.id))
    .limit(limit);
}

/**
 * Samples that are kept of one kind of error of one endpoint, the first ones: an endpoint that fails from the start leaves
 * room for whatever goes wrong later.
 */
const maxSamplesOfKind = 20;

/** Saves samples as far as there is room for them; two shards at the same time may keep some more. */
export async function saveLoadErrors(tx: Executor, testId: string, errors: NewLoadError[]): Promise<void> {
  if (errors.length === 0) return;
  await tx.execute(sql`
    with kept as (
      select endpoint, kind, count(*) as samples from load_errors where load_test_id = ${testId} group by endpoint, kind
    ), given as (
      select *, row_number() over (partition by endpoint, kind order by position) as n
      from rows from (
        jsonb_to_recordset(${JSON.stringify(errors)}::jsonb)
          as (shard int, "atMs" bigint, endpoint text, kind text, status int, message text, username text)
      ) with ordinality as e(shard, at_ms, endpoint, kind, status, message, username, position)
    )
    insert into load_errors (load_test_id, shard, at_ms, endpoint, kind, status, message, username)
    select ${testId}, shard, at_ms, endpoint, kind, status, message, username
    from given left join kept using (endpoint, kind)
    where coalesce(samples, 0) + n <= ${maxSamplesOfKind}
    order by position`);
}
