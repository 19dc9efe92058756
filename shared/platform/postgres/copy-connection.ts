import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import type { z } from 'zod';

/**
 * One connection that streams COPY in both directions, over pg: postgres.js waits 40 ms at the end of each COPY (it
 * leaves Nagle's algorithm on) and can stand still for good after a COPY out (its socket may end paused).
 */
export interface CopyConnection {
  /** The rows of a statement, as `row` has them. */
  query<S extends z.ZodType>(row: S, statement: string, values?: unknown[]): Promise<z.output<S>[]>;
  /** Runs a statement; gives the number of rows that it touched. */
  run(statement: string, values?: unknown[]): Promise<number>;
  /**
   * `copy (...) to stdout`: its bytes, to be read to their end before anything else is asked. A transaction in which
   * they were not is ended by cutting the connection.
   */
  copyOut(statement: string): AsyncIterable<Buffer>;
  /** `copy ... from stdin`; resolves when the server has taken all of it. */
  copyIn(statement: string, source: AsyncIterable<Buffer>): Promise<void>;
  /** Commits what `work` did, or rolls it back when that throws. `begin` may name an isolation level. */
  transaction<T>(begin: string, work: () => Promise<T>): Promise<T>;
}

export interface CopyConnectionOptions {
  /** Shown in `pg_stat_activity`. */
  name: string;
  /** Cuts the connection, whatever it does: the server then rolls back. */
  signal: AbortSignal;
}

/** Lends a connection to `work`. What it throws once `signal` has aborted is the signal's reason. */
export async function withCopyConnection<T>(
  url: string,
  { name, signal }: CopyConnectionOptions,
  work: (connection: CopyConnection) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const client = new pg.Client({
    connectionString: url,
    application_name: name,
    options: '-c search_path=public', // as `openDatabase` has it
    connectionTimeoutMillis: 5000,
    idle_in_transaction_session_timeout: 15_000, // as `openDatabase`: a frozen process must not keep its locks
  });
  client.on('error', () => {}); // what is under way rejects with it
  const cut = () => void client.end().catch(() => {});
  signal.addEventListener('abort', cut);
  try {
    await client.connect();
    return await work(connectionOf(client));
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', cut);
    await client.end().catch(() => {});
  }
}

function connectionOf(client: pg.Client): CopyConnection {
  /** A COPY out that its reader gave up: what the server still sends of it stands before every answer. */
  let isUnread = false;
  return {
    async query(row, statement, values = []) {
      const { rows } = await client.query(statement, values);
      return rows.map(found => row.parse(found));
    },
    async run(statement, values) {
      const { rowCount } = await client.query(statement, values);
      return rowCount ?? 0;
    },
    async *copyOut(statement) {
      isUnread = true;
      yield* client.query(copyTo(statement));
      isUnread = false;
    },
    async copyIn(statement, source) {
      await pipeline(source, client.query(copyFrom(statement)));
    },
    async transaction(begin, work) {
      await client.query(begin);
      try {
        const result = await work();
        await client.query('commit');
        return result;
      } catch (error) {
        // The connection may be gone, and with it the transaction; cutting it ends both.
        await (isUnread ? client.end() : client.query('rollback')).catch(() => {});
        throw error;
      }
    },
  };
}
