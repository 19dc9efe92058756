import { userSyncRun } from '../../../../shared/contracts/user-sync.ts';
import type { JobRow } from '../../../../shared/store/jobs/jobs.ts';
import { findSyncRun, type SyncRunRow } from '../../../../shared/store/user-sync/sync-runs.ts';
import { requireActor } from '../../middleware/identify.ts';
import type { CallContext } from '../../route.ts';

/** Deleting users is for admins, and whatever writes to the application may delete there. @throws AppError `forbidden` */
export function assertMaySync(
  { request }: Pick<CallContext, 'request'>,
  { direction, dryRun }: Pick<SyncRunRow, 'direction' | 'dryRun'>,
): void {
  if (direction !== 'push' && !dryRun) requireActor(request, 'admin');
}

/** A retry is a start. */
export async function assertMayRetrySync(
  call: Pick<CallContext, 'request' | 'db'>,
  { payload }: JobRow,
): Promise<void> {
  const found = await findSyncRun(call.db, userSyncRun.input.parse(payload).sync_run_id);
  if (found !== undefined) assertMaySync(call, found.run);
}
