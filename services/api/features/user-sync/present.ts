import type { z } from 'zod';
import { syncResultSchema } from '../../../../shared/contracts/user-sync.ts';
import type { syncRun } from '../../../../shared/http/user-sync.ts';
import type { SyncRunWithJob } from '../../../../shared/store/user-sync/sync-runs.ts';

export const presentSyncRun = ({ run, job }: SyncRunWithJob): z.input<typeof syncRun> => ({
  id: run.id,
  job_id: run.jobId,
  status: job.status,
  target: run.target,
  direction: run.direction,
  filter_criteria: run.filter,
  conflict_policy: run.conflictPolicy,
  full: run.full,
  dry_run: run.dryRun,
  trigger: run.trigger,
  requested_by: job.requestedBy,
  result: syncResultSchema.safeParse(job.result).data ?? null,
  error: job.error,
  created_at: run.createdAt.toISOString(),
  finished_at: job.finishedAt?.toISOString() ?? null,
});
