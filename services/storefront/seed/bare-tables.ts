import { getTableName, type SQL, sql } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type { Executor } from '../../../shared/platform/postgres/db.ts';

/** What was taken off a table, and the statements that do so and undo it. */
interface Fitting {
  remove: SQL;
  restore: SQL;
}

/**
 * Takes the constraints and indexes off some tables while `load` fills them, in the caller's transaction. Checking
 * 100,000 new rows one by one against foreign keys and indexes takes 2 s; all at once, when they are put back, 0.2 s.
 * Keys that another table refers to stay.
 */
export async function withBareTables(
  db: Executor,
  tables: PgTable[],
  load: () => Promise<void>,
): Promise<void> {
  const names = tables.map(getTableName);
  const fittings = [...(await constraintsOf(db, names)), ...(await indexesOf(db, names))];
  for (const { remove } of fittings) await db.execute(remove);
  await load();
  for (const { restore } of fittings.toReversed()) await db.execute(restore);
}

async function constraintsOf(db: Executor, tables: string[]): Promise<Fitting[]> {
  const rows = await db.execute<{ table: string; name: string; definition: string }>(sql`
    select relname as table, conname as name, pg_get_constraintdef(c.oid) as definition
    from pg_constraint as c join pg_class on pg_class.oid = conrelid
    where connamespace = 'public'::regnamespace and relname in ${tables} and (contype in ('c', 'f')
      or contype in ('p', 'u') and not exists (select from pg_constraint where contype = 'f' and confrelid = c.conrelid))
    order by contype = 'f' desc, relname, conname`);
  return rows.map(({ table, name, definition }) => {
    const constraint = sql`alter table ${sql.identifier(table)}`;
    return {
      remove: sql`${constraint} drop constraint ${sql.identifier(name)}`,
      restore: sql`${constraint} add constraint ${sql.identifier(name)} ${sql.raw(definition)}`,
    };
  });
}

/** The indexes that stand for themselves; those of constraints come and go with these. */
async function indexesOf(db: Executor, tables: string[]): Promise<Fitting[]> {
  const rows = await db.execute<{ name: string; definition: string }>(sql`
    select indexname as name, indexdef as definition from pg_indexes
    where schemaname = 'public' and tablename in ${tables}
      and not exists (select from pg_constraint where conindid = indexname::regclass)
    order by indexname`);
  return rows.map(({ name, definition }) => ({
    remove: sql`drop index ${sql.identifier(name)}`,
    restore: sql.raw(definition),
  }));
}
