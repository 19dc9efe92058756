import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';

export type Sql = postgres.Sql;
export type Db = PostgresJsDatabase<Record<string, never>>;
/** A database or a transaction in it: what every function of `shared/store` takes first. */
export type Executor = Db | Parameters<Parameters<Db['transaction']>[0]>[0];

export interface Database {
  readonly name: string;
  /** Drizzle, for queries. */
  readonly db: Db;
  /** The driver itself, for LISTEN and streams. */
  readonly sql: Sql;
  stop(): Promise<void>;
}

export interface DatabaseOptions {
  /** Shown in `pg_stat_activity`. */
  name: string;
  maxConnections?: number;
  /** How long a transaction may stand still between two statements, in milliseconds. */
  idleInTransactionMs?: number;
  /** Told of every statement as it goes over the wire. */
  onStatement?: (statement: string) => void;
}

/**
 * A pool on `url`. Connects on first use; a lost connection is opened anew by the next query. The server ends a
 * transaction that stands still: a process that is frozen, or cut off without a word, would keep its locks for good.
 */
export function openDatabase(
  url: string,
  { name, maxConnections = 10, idleInTransactionMs = 15_000, onStatement }: DatabaseOptions,
): Database {
  const sql = postgres(url, {
    max: maxConnections,
    idle_timeout: 60,
    connect_timeout: 5,
    backoff: attempt => Math.min(2, 0.05 * 2 ** attempt),
    connection: {
      application_name: name,
      idle_in_transaction_session_timeout: idleInTransactionMs,
      search_path: 'public', // where the migrations put the tables, whatever the role is called
    },
    onnotice: () => {},
    ...(onStatement && { debug: (_connection: number, statement: string) => onStatement(statement) }),
  });
  return { name, db: drizzle(sql), sql, stop: () => sql.end({ timeout: 5 }) };
}

/** The same pool, telling of every statement that the driver is given through it. */
export const withQueryCount = ({ sql }: Database, onQuery: () => void): Db =>
  drizzle(sql, { logger: { logQuery: onQuery } });
