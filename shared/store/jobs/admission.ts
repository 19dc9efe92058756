import { sql } from 'drizzle-orm';
import { AppError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/postgres/db.ts';

/**
 * The door for new work, which `accepting_jobs: false` closes. Who submits holds a lock with others until its transaction
 * ends; who changes settings holds it alone: once the change is made, every job that came in before is seen, and
 * none comes in any more. An operator who then waits for 0 open jobs waits for the right ones.
 */
const key = sql`hashtextextended('muster admission', 0)`;
const retryAfterSeconds = 30;

/**
 * Lets a submission in, to be called in its transaction.
 * @throws AppError `draining`
 */
export async function admitWork(tx: Executor): Promise<void> {
  if (await acceptsWork(tx)) return;
  throw new AppError('draining', 'No new work is accepted: the setting accepting_jobs is false', {
    hint: 'Running work ends. PUT /api/settings {"accepting_jobs": true} opens the door again.',
    retryAfterSeconds,
  });
}

/** The same as a question, for schedules, which leave out what they would have submitted. */
export async function acceptsWork(tx: Executor): Promise<boolean> {
  await tx.execute(sql`select pg_advisory_xact_lock_shared(${key})`); // in a statement before the look, which sees what it waited for
  const [row] = await tx.execute<{ closed: boolean }>(
    sql`select exists (select from settings where name = 'accepting_jobs' and value = 'false') as closed`,
  );
  return row?.closed !== true;
}

/** Waits until the submissions under way are committed, and keeps others out until the transaction ends. */
export async function holdAdmission(tx: Executor): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${key})`);
}
