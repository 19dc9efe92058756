import { sql } from 'drizzle-orm';
import { AppError } from '../../kernel/errors.ts';
import type { Executor } from './db.ts';

/** Schemas that are Muster's in every database of an application: ledger, guards, journal of migrations. */
const ownSchemas = ['muster', 'muster_guards', 'muster_migrations'];
const hint =
  'APP_DATABASE_URL must name a database for the storefront alone. For another application set USER_DIRECTORY ' +
  '(docs/bulk-users.md), and start no storefront.';

/**
 * Refuses a database that is not the storefront's, before anything is put into it.
 * @param own the storefront's tables, in the schema `public`
 * @throws AppError `validation_failed` when Muster's migrations did not make it, or tables of others are in it
 */
export async function assertStorefrontDatabase(db: Executor, own: readonly string[]): Promise<void> {
  const { name, isMigrated, tables } = await look(db);
  const others = tables.filter(table => !own.some(known => `public.${known}` === table));
  if (others.length > 0) throw refusal(name, others);
  if (isMigrated) return;
  throw new AppError('validation_failed', `The database "${name}" was not made by Muster’s migrations`, {
    hint: `Run npm run migrate first. ${hint}`,
  });
}

/**
 * Refuses to make the storefront's tables where another application has its own.
 * @throws AppError `validation_failed` when there are tables and none of them came by a migration
 */
export async function assertMigratable(db: Executor): Promise<void> {
  const { name, isMigrated, tables } = await look(db);
  if (!isMigrated && tables.length > 0) throw refusal(name, tables);
}

/** All tables but the system's, Muster's and those of extensions. */
async function look(db: Executor) {
  const [found] = await db.execute<{ name: string; isMigrated: boolean; tables: string[] }>(sql`
    select current_database() as name,
      to_regclass('muster_migrations.__drizzle_migrations') is not null as "isMigrated",
      coalesce(array_agg(nspname || '.' || relname order by nspname, relname) filter (where relname is not null), '{}')
        as tables
    from pg_namespace as n join pg_class as c on relnamespace = n.oid
    where relkind in ('r', 'p', 'f') and nspname <> 'information_schema' and not starts_with(nspname, 'pg_')
      and nspname not in ${ownSchemas}
      and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = c.oid and deptype = 'e')`);
  if (found === undefined) throw new Error('A count without a row');
  return found;
}

function refusal(name: string, tables: string[]): AppError {
  const some = tables.slice(0, 5).join(', ');
  const more = tables.length > 5 ? ` and ${tables.length - 5} more` : '';
  return new AppError(
    'validation_failed',
    `The database "${name}" has tables that are not the storefront’s: ${some}${more}`,
    { hint },
  );
}
