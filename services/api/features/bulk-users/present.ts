import type { z } from 'zod';
import type { cleanupCandidate } from '../../../../shared/http/bulk-lifecycle.ts';
import type { batch, batchDetail } from '../../../../shared/http/bulk-users.ts';
import type { BatchWithJob } from '../../../../shared/store/bulk-users/bulk-batches.ts';
import type { Tally, WorkerShare } from '../../../../shared/store/bulk-users/bulk-tallies.ts';
import type { CleanupCandidate } from '../../../../shared/store/bulk-users/cleanup-candidates.ts';

export function presentBatch(
  { batch: row, job }: BatchWithJob,
  { created, failed, cleaned }: Pick<Tally, 'created' | 'failed' | 'cleaned'>,
): z.input<typeof batch> {
  return {
    batch_id: row.id,
    job_id: row.jobId,
    status: row.cleanedUpAt === null ? job.status : 'cleaned_up',
    total_requested: row.totalRequested,
    successful_count: created,
    failed_count: failed,
    execution_time: secondsRunning(job.startedAt, job.finishedAt),
    config: row.config,
    created_at: row.createdAt.toISOString(),
    cleaned_up_at: row.cleanedUpAt?.toISOString() ?? null,
    cleaned_count: cleaned,
  };
}

export const presentCandidate = (
  { id, createdAt, creation }: CleanupCandidate,
  { users, now }: { users: number; now: number },
): z.input<typeof cleanupCandidate> => ({
  batch_id: id,
  status: creation?.status ?? null,
  total_requested: creation?.totalRequested ?? null,
  users,
  created_at: createdAt.toISOString(),
  age_days: Math.floor((now - createdAt.getTime()) / 864_000) / 100,
});

export function presentBatchDetail(
  found: BatchWithJob,
  tally: Tally,
  workers: WorkerShare[],
): z.input<typeof batchDetail> {
  return {
    ...presentBatch(found, tally),
    chunks: { total: tally.chunks, done: tally.chunksDone, size: found.batch.chunkSize },
    withdrawn_count: tally.withdrawn,
    rolled_back_count: tally.rolledBack,
    workers,
  };
}

function secondsRunning(startedAt: Date | null, finishedAt: Date | null): number {
  if (startedAt === null) return 0;
  return Math.max(0, (finishedAt?.getTime() ?? Date.now()) - startedAt.getTime()) / 1000;
}
