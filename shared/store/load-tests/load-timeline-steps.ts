import { type SQL, sql } from 'drizzle-orm';
import type { TimelineStep } from '../../contracts/load-metrics.ts';
import type { Executor } from '../../platform/postgres/db.ts';

interface AskedSteps {
  testId: string;
  stepSeconds: number;
  /** The last second of the step before. */
  afterSecond?: number | undefined;
  limit: number;
}

/**
 * The timeline of a test in steps of so many seconds. A second keeps figures and no histogram, and percentiles cannot be
 * averaged: those of a step are the highest of its seconds, which that of all its requests cannot pass.
 * Each step is a range of the index: a day is summed up without being sorted.
 */
export async function readTimelineSteps(db: Executor, asked: AskedSteps): Promise<TimelineStep[]> {
  const { testId, stepSeconds, afterSecond = -1, limit } = asked;
  const first = Math.floor((afterSecond + 1) / stepSeconds) * stepSeconds;
  const seconds = sql`load_test_id = ${testId} and second >= step and second < step + ${stepSeconds}::int`;
  // So many rows hold that many steps, or all that there are: those after them are not summed up.
  const last = sql`(select max(second) from (
    select second from load_timeline where load_test_id = ${testId} and second >= ${first}
    order by second limit ${limit * stepSeconds}) rows)`;
  const rows = await db.execute<{ step: TimelineStep }>(sql`
    select whole.figures || jsonb_build_object('second', step, 'errors', coalesce(failures.errors, '{}')) as step
    from generate_series(${first}::int, ${last}, ${stepSeconds}::int) as step
    cross join lateral (
      select count(*) as seconds, sum(failed) as failed, jsonb_build_object('seconds', count(*), 'requests', sum(requests),
        'failed', sum(failed), 'dropped_iterations', sum(dropped_iterations), 'vus', max(vus), 'shards', min(shards),
        'data_received', sum(data_received), 'data_sent', sum(data_sent),
        'http_req_duration', ${trendOf('http_req_duration')},
        'http_req_response_time', ${trendOf('http_req_response_time')}) as figures
      from load_timeline, jsonb_to_record(point) as p(requests bigint, failed bigint, dropped_iterations bigint,
        vus int, shards int, data_received bigint, data_sent bigint, http_req_duration jsonb, http_req_response_time jsonb)
      where ${seconds}
    ) whole
    left join lateral (
      select jsonb_object_agg(kind, n) as errors from (
        select kind, sum(n::bigint) as n from load_timeline, jsonb_each_text(point->'errors') as e(kind, n)
        where whole.failed > 0 and ${seconds} group by kind
      ) by_kind
    ) failures on true
    where whole.seconds > 0 order by step.step limit ${limit}`);
  return rows.map(row => row.step);
}

const highestOf = ['med', 'max', 'p(90)', 'p(95)', 'p(99)'];

/** Null where nothing was measured. An average counts as much as the requests of its second. */
function trendOf(column: 'http_req_duration' | 'http_req_response_time'): SQL {
  const value = (figure: string) => sql.raw(`(${column}->>'${figure}')::float8`);
  const highest = highestOf.map(figure => sql`, ${sql.raw(`'${figure}'`)}, max(${value(figure)})`);
  return sql`case when count(${value('max')}) > 0 then jsonb_build_object(
    'avg', sum(${value('avg')} * requests) / greatest(sum(requests) filter (where ${value('max')} is not null), 1),
    'min', min(${value('min')})${sql.join(highest)}) end`;
}
