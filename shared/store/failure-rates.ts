import { sql } from 'drizzle-orm';
import { bulkUsersCreate } from '../contracts/bulk-users.ts';
import { userSyncRun } from '../contracts/user-sync.ts';
import { idOf } from '../kernel/ids.ts';
import type { Executor } from '../platform/postgres/db.ts';

/** Of what ended within the last hour: how much there was, and how much of it failed. */
export interface FailureRates {
  users: { total: number; failed: number };
  syncs: { total: number; failed: number };
}

/** A job that runs for longer than this is not looked for: ids are time-ordered, so the rest need not be read. */
const longestJobMs = 24 * 3_600_000;

/**
 * Users that a failed job never came to count as failed; what was cancelled does not count. The results of syncs have a
 * `failed_count` too, of users that no batch asked for.
 */
export async function readFailureRates(db: Executor, now = Date.now()): Promise<FailureRates> {
  const [row] = await db.execute<{
    users: number;
    failed_users: number;
    syncs: number;
    failed_syncs: number;
  }>(sql`
    select
      coalesce(sum(b.total_requested), 0)::float8 as users,
      coalesce(sum(coalesce((result->>'failed_count')::numeric,
        case when status = 'failed' then b.total_requested end))
        filter (where kind = ${bulkUsersCreate.name}), 0)::float8 as failed_users,
      count(*) filter (where kind = ${userSyncRun.name})::int as syncs,
      count(*) filter (where kind = ${userSyncRun.name} and status = 'failed')::int as failed_syncs
    from jobs left join bulk_user_batches b on b.job_id = jobs.id and kind = ${bulkUsersCreate.name}
    where kind in (${bulkUsersCreate.name}, ${userSyncRun.name}) and jobs.id >= ${idOf(now - longestJobMs, 'oldest')}
      and finished_at > now() - interval '1 hour' and status <> 'cancelled'`);
  return {
    users: { total: row?.users ?? 0, failed: row?.failed_users ?? 0 },
    syncs: { total: row?.syncs ?? 0, failed: row?.failed_syncs ?? 0 },
  };
}
