import type { Database } from '../../../shared/platform/postgres/db.ts';

/**
 * A digest of every row of every table, in any schema, the queue's included: equal digests mean that nothing was
 * written and nothing enqueued. Rate counters and the time of a key's last use are not part of it.
 */
export async function createStateReader(databases: Database[]): Promise<() => Promise<string>> {
  const readers = await Promise.all(databases.map(stateReader));
  return async () => (await Promise.all(readers.map(read => read()))).join();
}

async function stateReader({ sql }: Database): Promise<() => Promise<string>> {
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema') and tablename <> 'rate_limits' order by 1`;
  const digests = tables.map(
    ({ name }) => `select '${name}' as name,
      coalesce(sum(hashtextextended((to_jsonb(t) - 'last_used_at')::text, 0)::numeric), 0) as digest from ${name} t`,
  );
  const query = digests.join(' union all ');
  return async () => JSON.stringify(await sql.unsafe(query, [], { prepare: true }));
}
