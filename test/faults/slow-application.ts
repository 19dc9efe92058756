import type { Sql } from '../../shared/platform/postgres/db.ts';

/**
 * Makes the application slow, with a trigger as an application may have: each statement that writes users takes as
 * long, with its rows written and not committed. What is killed at any time is then in the middle of something.
 */
export async function slowDown(sql: Sql, statement: 'insert' | 'delete', ms: number): Promise<void> {
  await sql.unsafe(`
    create or replace function slow_${statement}() returns trigger language plpgsql as
      $$ begin perform pg_sleep(${ms / 1000}); return null; end $$;
    create or replace trigger slow_${statement} after ${statement} on users
      for each statement execute function slow_${statement}()`);
}
