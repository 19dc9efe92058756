import { AppError } from '../../../../shared/kernel/errors.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import { findLoadTest, type LoadTestRow } from '../../../../shared/store/load-tests/load-tests.ts';
import { hasEnded } from './present.ts';

/** @throws AppError `not_found` */
export async function existing(db: Executor, id: string): Promise<LoadTestRow> {
  const row = await findLoadTest(db, id);
  if (row === undefined) throw new AppError('not_found', `There is no load test ${id}`);
  return row;
}

/** @throws AppError `not_found`, or `conflict` while it runs */
export async function ended(db: Executor, id: string): Promise<LoadTestRow> {
  const row = await existing(db, id);
  if (hasEnded(row)) return row;
  throw new AppError('conflict', `The load test ${id} has not ended: it is ${row.status}`, {
    hint: 'Wait for its end, or stop it.',
  });
}
