import { sql } from 'drizzle-orm';
import type { Executor } from '../../platform/postgres/db.ts';
import { type DigestTable, digestIfLive, inBuckets, type Scope } from './account-digests.ts';
import type { Fold } from './bucket-comparison.ts';

/** What `foldBuckets` makes of all buckets of a scope, without making them: which of two sides differ it does not tell. */
export async function readFold(db: Executor, table: DigestTable, scope: Scope): Promise<Fold> {
  const [row] = await db.execute<{ users: number; digest: string; unsettled: number }>(sql`
    select count(*)::int as users, coalesce(bit_xor(${digestIfLive(table)}), 0)::text as digest,
      (count(*) filter (where ${table.unsettled}))::int as unsettled
    from ${table.from} where ${inBuckets(table, scope)}`);
  if (row === undefined) throw new Error('An aggregate gave no row');
  return { ...row, digest: BigInt(row.digest) };
}
