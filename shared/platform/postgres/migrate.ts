import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { assertServerVersion, oldestServers } from './server-version.ts';

export interface MigrationOptions {
  /** The schema of the journal of applied migrations. */
  schema?: string;
}

/**
 * Brings a database to the newest migration of a folder. Several processes may call it at once: one migrates,
 * the others wait for it and find nothing left to do. All of a run is one transaction.
 * @throws AppError `validation_failed` when the server is too old for it
 */
export async function migrateDatabase(
  url: string,
  migrationsFolder: string,
  { schema = 'muster_migrations' }: MigrationOptions = {},
): Promise<void> {
  const connection = connect(url, 'muster migrate'); // one connection, since the lock belongs to it
  try {
    await assertServerVersion(drizzle(connection), oldestServers.own);
    await connection`select pg_advisory_lock(hashtextextended(${schema}, 0))`;
    await migrate(drizzle(connection), { migrationsFolder, migrationsSchema: schema });
  } finally {
    await connection.end({ timeout: 5 }); // which also gives the lock back
  }
}

/**
 * Creates a database on the server of `adminUrl`, unless it is there.
 * @returns whether it was created
 */
export async function createDatabaseIfMissing(adminUrl: string, name: string): Promise<boolean> {
  const connection = connect(adminUrl, 'muster create database');
  try {
    const found = await connection`select 1 from pg_database where datname = ${name}`;
    if (found.length > 0) return false;
    await connection`create database ${connection(name)}`;
    return true;
  } catch (error) {
    if (error instanceof postgres.PostgresError && createdMeanwhile.includes(error.code)) return false;
    throw error;
  } finally {
    await connection.end({ timeout: 5 });
  }
}

/** duplicate_database, and the unique_violation that two `create database` at the same instant end in. */
const createdMeanwhile = ['42P04', '23505'];

/**
 * `search_path` is said, since PostgreSQL's own begins with the schema of the role's name: for a role `muster`, that
 * is the ledger's schema, and tables made without a schema would end up there as soon as it exists.
 */
const connect = (url: string, name: string): postgres.Sql =>
  postgres(url, {
    max: 1,
    connect_timeout: 5,
    connection: { application_name: name, search_path: 'public' },
    onnotice: () => {},
  });
