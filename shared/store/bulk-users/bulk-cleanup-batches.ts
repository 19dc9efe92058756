import { and, asc, eq, inArray, isNull, lt, notInArray, or, type SQL, sql } from 'drizzle-orm';
import { bulkUserBatches, bulkUserPasswordHashes } from '../../../drizzle/platform/schema/bulk-users.ts';
import { jobs } from '../../../drizzle/platform/schema/jobs.ts';
import { isTerminal, terminalStatuses } from '../../contracts/job.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { recordDeed } from '../access/audit-log.ts';
import { findJob } from '../jobs/jobs.ts';
import { type BatchRow, type BatchWithJob, batchColumns, findBatch } from './bulk-batches.ts';

/**
 * Cleanup in Muster's database: whose a batch is. A cleanup takes a batch while the job that made it has ended, and has it
 * to itself until its own job ends; meanwhile, and once the batch is cleaned up, the creation cannot be tried again.
 */
export type Selection = { batchId: string } | { createdBefore: Date };

const selects = (selection: Selection): SQL | undefined =>
  'batchId' in selection
    ? eq(bulkUserBatches.id, selection.batchId)
    : lt(bulkUserBatches.createdAt, selection.createdBefore);

/** Takes the batches that are free for a cleanup; a second time, by the same job, changes nothing. */
export async function takeForCleanup(
  tx: Executor,
  { jobId, selection }: { jobId: string; selection: Selection },
): Promise<void> {
  // Locked first and looked at afterwards: a condition that is met before the wait for a lock may not be after it.
  await tx
    .select({ id: bulkUserBatches.id })
    .from(bulkUserBatches)
    .innerJoin(jobs, eq(jobs.id, bulkUserBatches.jobId))
    .where(and(isNull(bulkUserBatches.cleanedUpAt), selects(selection)))
    .orderBy(asc(bulkUserBatches.id))
    .for('update');
  await tx
    .update(bulkUserBatches)
    .set({ cleanupJobId: jobId })
    .where(
      and(
        isNull(bulkUserBatches.cleanedUpAt),
        selects(selection),
        notInArray(bulkUserBatches.jobId, openJobs(tx)),
        or(
          isNull(bulkUserBatches.cleanupJobId),
          eq(bulkUserBatches.cleanupJobId, jobId),
          notInArray(bulkUserBatches.cleanupJobId, openJobs(tx)),
        ),
      ),
    );
}

const openJobs = (db: Executor) =>
  db
    .select({ id: jobs.id })
    .from(jobs)
    .where(inArray(jobs.status, ['queued', 'running'])); // as the index has it

/** The batches that a cleanup has, oldest first, those that it has finished included. */
export function listTaken(db: Executor, jobId: string): Promise<BatchRow[]> {
  return db
    .select(batchColumns)
    .from(bulkUserBatches)
    .where(eq(bulkUserBatches.cleanupJobId, jobId))
    .orderBy(asc(bulkUserBatches.createdAt), asc(bulkUserBatches.id));
}

/** A page of batches, oldest first: from the one after `after` on. */
export interface AgePage {
  after?: { createdAt: Date; id: string } | undefined;
  limit?: number;
}

/** Batches that a cleanup could take, oldest first. */
export function listFreeBatches(
  db: Executor,
  selection: Selection,
  { after, limit }: AgePage = {},
): Promise<BatchWithJob[]> {
  const query = db
    .select({ batch: batchColumns, job: jobs })
    .from(bulkUserBatches)
    .innerJoin(jobs, eq(jobs.id, bulkUserBatches.jobId))
    .where(
      and(
        isNull(bulkUserBatches.cleanedUpAt),
        selects(selection),
        inArray(jobs.status, [...terminalStatuses]),
        or(isNull(bulkUserBatches.cleanupJobId), notInArray(bulkUserBatches.cleanupJobId, openJobs(db))),
        after &&
          sql`(${bulkUserBatches.createdAt}, ${bulkUserBatches.id}) > (${after.createdAt.toISOString()}::timestamptz, ${after.id}::uuid)`,
      ),
    )
    .orderBy(asc(bulkUserBatches.createdAt), asc(bulkUserBatches.id));
  return limit === undefined ? query : query.limit(limit);
}

/** @throws AppError that says why a cleanup cannot have this batch, when it cannot */
export async function assertFreeForCleanup(db: Executor, batchId: string, jobId?: string): Promise<void> {
  const found = await findBatch(db, batchId);
  if (found === undefined) throw new AppError('not_found', `There is no batch ${batchId}`);
  const { batch, job } = found;
  if (batch.cleanedUpAt !== null) throw cleanedUp(batch.id, batch.cleanedUpAt);
  if (!isTerminal(job.status)) {
    throw new AppError('conflict', `The batch ${batchId} is still being created`, {
      hint: `Wait for its job, or cancel it first: POST /api/jobs/${job.id}/cancel`,
    });
  }
  if (batch.cleanupJobId === null || batch.cleanupJobId === jobId) return;
  const cleaner = await findJob(db, batch.cleanupJobId);
  if (cleaner === undefined || isTerminal(cleaner.status)) return;
  throw new AppError('conflict', `The batch ${batchId} is being cleaned up by the job ${cleaner.id}`, {
    hint: `Follow it: GET /api/jobs/${cleaner.id}`,
  });
}

/**
 * Gives up what a cleanup that is to run again has of batches whose creation was tried again before: that may still wait
 * for a worker, and the users that there are would go meanwhile.
 */
export async function releaseToCreations(db: Executor, cleanupJobId: string): Promise<void> {
  await db
    .update(bulkUserBatches)
    .set({ cleanupJobId: null })
    .where(
      and(
        eq(bulkUserBatches.cleanupJobId, cleanupJobId),
        isNull(bulkUserBatches.cleanedUpAt),
        inArray(bulkUserBatches.jobId, openJobs(db)),
      ),
    );
}

/**
 * Takes a batch back for its creation from a cleanup that stopped short: one that is run again while the batch is being
 * created finds that it does not have it any more.
 * @throws AppError when a cleanup has the batch, or had it to the end: nothing may be created in it again
 */
export async function takeForCreation(db: Executor, batch: BatchRow): Promise<void> {
  if (batch.cleanedUpAt !== null) throw cleanedUp(batch.id, batch.cleanedUpAt);
  if (batch.cleanupJobId === null) return;
  const taken = await db
    .update(bulkUserBatches)
    .set({ cleanupJobId: null })
    .where(
      and(
        eq(bulkUserBatches.id, batch.id),
        isNull(bulkUserBatches.cleanedUpAt),
        notInArray(bulkUserBatches.cleanupJobId, openJobs(db)),
      ),
    )
    .returning({ id: bulkUserBatches.id });
  if (taken.length > 0) return;
  throw new AppError(
    'conflict',
    `The batch ${batch.id} is being cleaned up by the job ${batch.cleanupJobId}`,
  );
}

const cleanedUp = (batchId: string, at: Date): AppError =>
  new AppError('batch_cleaned_up', `The batch ${batchId} was cleaned up at ${at.toISOString()}`);

export interface FinishedCleanup {
  batchId: string;
  jobId: string;
  actor: string;
  deleted: number;
  gone: number;
}

/** Ends a batch: its secrets are destroyed, its id stays taken. A second time changes nothing. */
export async function finishCleanup(db: Executor, finished: FinishedCleanup): Promise<void> {
  const { batchId, jobId } = finished;
  await db.transaction(async tx => {
    const ended = await tx
      .update(bulkUserBatches)
      .set({ cleanedUpAt: sql`now()`, sealedPassword: null, sealedSecret: null, passwordHash: null })
      .where(
        and(
          eq(bulkUserBatches.id, batchId),
          eq(bulkUserBatches.cleanupJobId, jobId),
          isNull(bulkUserBatches.cleanedUpAt),
        ),
      )
      .returning({ id: bulkUserBatches.id });
    if (ended.length === 0) return;
    await tx.delete(bulkUserPasswordHashes).where(eq(bulkUserPasswordHashes.batchId, batchId));
    await recordCleanup(tx, finished);
  });
}

/** Notes that the last of a batch's users is gone: all there is to do of a batch without a row. */
export const recordCleanup = (
  db: Executor,
  { batchId, jobId, actor, deleted, gone }: FinishedCleanup,
): Promise<void> =>
  recordDeed(db, {
    actor,
    action: 'bulk-users.cleaned-up',
    subject: batchId,
    detail: { job_id: jobId, deleted, gone },
  });
