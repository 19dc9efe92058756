import { sql } from 'drizzle-orm';
import type { Channel } from '../../contracts/deadline-notifications.ts';
import type { Executor } from '../../platform/postgres/db.ts';

/**
 * Reserves the next `count` places in a channel's queue, which all workers share: one message every `intervalMs`.
 * @returns how many milliseconds from now the first of them is
 */
export async function reservePlaces(
  db: Executor,
  { channel, count, intervalMs }: { channel: Channel; count: number; intervalMs: number },
): Promise<number> {
  const span = sql`${count * intervalMs} * interval '1 millisecond'`;
  const [row] = await db.execute<{ wait_ms: number }>(sql`
    insert into muster.notification_paces as pace (channel, next_at) values (${channel}, clock_timestamp() + ${span})
    on conflict (channel) do update set next_at = greatest(pace.next_at, clock_timestamp()) + ${span}
    returning (extract(epoch from next_at - ${span} - clock_timestamp()) * 1000)::float8 as wait_ms`);
  return Math.max(0, row?.wait_ms ?? 0);
}
