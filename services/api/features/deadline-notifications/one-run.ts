import {
  type NotificationRun,
  notificationsRun,
} from '../../../../shared/contracts/deadline-notifications.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import { lockRuns } from '../../../../shared/store/deadline-notifications/notification-runs.ts';
import type { JobRow } from '../../../../shared/store/jobs/jobs.ts';

/** One run at a time, dry runs aside. @throws AppError `conflict` */
export async function assertAlone(
  db: Executor,
  { dry_run }: Pick<NotificationRun, 'dry_run'>,
): Promise<void> {
  if (dry_run) return;
  const other = await lockRuns(db);
  if (other === undefined) return;
  throw new AppError('conflict', `The run ${other} has not ended`, {
    hint: 'Wait for it, or cancel it. A dry run may start at any time.',
  });
}

/** A retry is a start: what the first page sweeps up as left behind must not be another run's that is on. */
export const assertRetriedAlone = ({ db }: { db: Executor }, { payload }: JobRow): Promise<void> =>
  assertAlone(db, notificationsRun.input.parse(payload));
