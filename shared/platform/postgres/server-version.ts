import { sql } from 'drizzle-orm';
import { AppError } from '../../kernel/errors.ts';
import type { Executor } from './db.ts';

/**
 * The oldest major versions of PostgreSQL that do, with what needs them. Muster's own tables and the storefront's have
 * `uuidv7()` for a default, and statements return `old`: 18. Another application's table needs
 * `has_parameter_privilege`, by which the guards know what a role may set: 15.
 */
export const oldestServers = { own: 18, anotherApplication: 15 } as const;

/**
 * Looked at before anything else is asked of a database: on an older server the first statement that it does not know
 * would fail, with words that help nobody.
 * @throws AppError `validation_failed` when the server is older than `oldest`
 */
export async function assertServerVersion(db: Executor, oldest: number): Promise<void> {
  const [server] = await db.execute<{ major: number; version: string; name: string }>(sql`
    select current_setting('server_version_num')::int / 10000 as major, current_setting('server_version') as version,
      current_database() as name`);
  if (server === undefined || server.major >= oldest) return;
  throw new AppError(
    'validation_failed',
    `The server of the database "${server.name}" is PostgreSQL ${server.version}, which is too old: it must be ${oldest} or newer`,
    { hint: 'Upgrade it, or name another one. docs/operations.md says which database needs which version.' },
  );
}
