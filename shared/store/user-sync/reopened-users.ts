import { sql } from 'drizzle-orm';
import type { Executor } from '../../platform/postgres/db.ts';
import { textArray } from '../text-array.ts';

/**
 * Writes users who failed for one of these reasons down again, `size` in a chunk, after the chunks that there are, as if
 * nobody had tried them yet: in the chunks that had them they count no more, and nothing is told of them.
 * @returns how many users those are
 */
export const reopenUsers = (
  db: Executor,
  runId: string,
  { codes, size }: { codes: readonly string[]; size: number },
): Promise<number> =>
  db.transaction(async tx => {
    // A conductor that was frozen may come to this too: who waited sees what the other did.
    await tx.execute(sql`select from sync_runs where id = ${runId} for update`);
    const isReason = sql`fault ->> 'code' = any(${textArray(codes)}::text[])`;
    const [row] = await tx.execute<{ users: number }>(sql`
      with told as (
        select chunk_index, n, fault, fault ->> 'username' as username, ${isReason} as is_reason,
          bool_or(${isReason}) over (partition by chunk_index, fault ->> 'username') as reopened
        from sync_chunks, jsonb_array_elements(faults) with ordinality as listed(fault, n)
        where run_id = ${runId} and status = 'done' and failed > 0
      ), others as (
        select chunk_index, (count(*) filter (where is_reason))::int as users,
          (count(*) filter (where reopened and fault ? 'fields'))::int as conflicts,
          coalesce(jsonb_agg(fault order by n) filter (where not reopened), '[]') as faults
        from told group by chunk_index having bool_or(reopened)
      ), relieved as (
        update sync_chunks c set users = c.users - o.users, failed = c.failed - o.users,
          conflicts = c.conflicts - o.conflicts, faults = o.faults
        from others o where c.run_id = ${runId} and c.chunk_index = o.chunk_index
      ), added as (
        insert into sync_chunks (run_id, chunk_index, usernames, users)
        select ${runId}::uuid, (select max(chunk_index) from sync_chunks where run_id = ${runId}) + 1 + (place - 1) / ${size}::int,
          array_agg(username order by place), count(*)
        from (select username, (row_number() over (order by username))::int as place from told where is_reason) as named
        group by 2 returning users
      )
      select coalesce(sum(users), 0)::int as users from added`);
    return row?.users ?? 0;
  });
