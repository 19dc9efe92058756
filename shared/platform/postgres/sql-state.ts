import pg from 'pg';
import postgres from 'postgres';

/** Both drivers in use; pg has the connections that COPY. */
const isRefusal = (error: Error): error is postgres.PostgresError | pg.DatabaseError =>
  error instanceof postgres.PostgresError || error instanceof pg.DatabaseError;

/** The SQLSTATE of a refusal by Postgres, however deep in the chain of causes; undefined for any other error. */
export function sqlStateOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isRefusal(cause)) return cause.code;
  }
  return undefined;
}

/** The message that Postgres gave, without the statement that the query builder puts before it. */
export function sqlMessageOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isRefusal(cause)) return cause.message;
  }
  return undefined;
}
