import postgres from 'postgres';

/** The SQLSTATE of a refusal by Postgres, however deep in the chain of causes; undefined for any other error. */
export function sqlStateOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof postgres.PostgresError) return cause.code;
  }
  return undefined;
}

/** The message that Postgres gave, without the statement that the query builder puts before it. */
export function sqlMessageOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof postgres.PostgresError) return cause.message;
  }
  return undefined;
}
