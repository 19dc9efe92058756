import {
  type BulkUsersCleanupResult,
  bulkUsersCleanup,
  type CleanedBatch,
  type CleanupInput,
  type Comparison,
} from '../../../../shared/contracts/bulk-cleanup.ts';
import type { Refusal } from '../../../../shared/contracts/refusal.ts';
import { isAppError } from '../../../../shared/kernel/errors.ts';
import { sumCleanedRows, tallyCleanup } from '../../../../shared/store/bulk-users/cleanup-tallies.ts';
import { assertGuards } from '../../../../shared/store/guards/faults.ts';
import { guardRefusalOf } from '../../../../shared/store/guards/refusal.ts';
import { findJob } from '../../../../shared/store/jobs/jobs.ts';
import { readSettings } from '../../../../shared/store/settings.ts';
import {
  assertNothingCascades,
  readUserReferences,
  type UserReference,
} from '../../../../shared/store/users/user-references.ts';
import { cancelledWith, implementJob, type JobCall } from '../../job-runner.ts';
import { cleanBatch } from './clean-batch.ts';
import { type CleanupBatch, findBatches, finishBatch, isLeft, takeBatches } from './cleanup-batches.ts';
import {
  compareAll,
  countAffected,
  disagreement,
  nothingRecorded,
  presentReferences,
} from './cleanup-plan.ts';
import type { BulkUsersDeps } from './deps.ts';

type Call = JobCall<CleanupInput>;

/** Batches whose outcome the result tells one by one. */
const batchesInResult = 1000;

/** What a cleanup knows of its batches: gathered before it deletes anything, and amended as it goes. */
interface Cleanup {
  batches: CleanupBatch[];
  references: UserReference[];
  comparisons: Map<string, Comparison>;
  refusals: Map<string, Refusal>;
}

/** Cleans up, or plans to: see `shared/contracts/bulk-cleanup.ts`. Every step may be done twice. */
export const cleanUpUsers = implementJob(bulkUsersCleanup, (deps: BulkUsersDeps) => async call => {
  if (call.input.dry_run) return plan(deps, call);
  await assertGuards(deps.testDataDb, deps.users.mapping); // they may have been changed since the worker's start
  const batches = await takeBatches(deps, call);
  const cleanup = await survey(deps, batches, call);
  assertNothingCascades(cleanup.references);
  try {
    await cleanAll(deps, cleanup, call);
    return await resultOf(deps, cleanup, call);
  } catch (error) {
    if (!isAppError(call.signal.reason, 'cancelled')) throw guardRefusalOf(error) ?? error;
    throw cancelledWith(await resultOf(deps, cleanup, call));
  }
});

async function survey(deps: BulkUsersDeps, batches: CleanupBatch[], call: Call): Promise<Cleanup> {
  call.report({ phase: 'comparing', done: 0, total: batches.length });
  return {
    batches,
    references: await readUserReferences(deps.testDataDb, deps.users),
    comparisons: await compareAll(deps, batches.filter(isLeft), call.signal),
    refusals: new Map(),
  };
}

async function plan(deps: BulkUsersDeps, call: Call): Promise<BulkUsersCleanupResult> {
  const cleanup = await survey(deps, await findBatches(deps, call), call);
  const batches = cleanup.batches.map((batch): CleanedBatch => {
    const comparison = cleanup.comparisons.get(batch.id) ?? nothingRecorded;
    const error = disagreement(batch, comparison);
    return { batch_id: batch.id, status: 'planned', comparison, deleted: 0, ...(error && { error }) };
  });
  const users = batches.reduce((total, { comparison }) => total + comparison.present, 0);
  const batchIds = batches.map(batch => batch.batch_id);
  const { tables, foreignKeys } = await countAffected(deps, { references: cleanup.references, batchIds });
  call.report({ phase: 'comparing', done: batches.length, total: batches.length });
  return {
    dry_run: true,
    deleted_count: users,
    tables: { users, ...tables },
    foreign_keys: foreignKeys,
    batch_count: batches.length,
    batches: batches.slice(0, batchesInResult),
    cleaned_up_count: 0,
    refused_count: batches.filter(({ error }) => error !== undefined).length,
    duration: secondsSinceStart(call),
  };
}

/** Refuses what `strict_mode` refuses, before anything is deleted, and cleans up the rest, oldest batch first. */
async function cleanAll(deps: BulkUsersDeps, cleanup: Cleanup, call: Call): Promise<void> {
  const { strict_mode: strict, allow_partial_cleanup: goesOn } = await readSettings(deps.db);
  const { refusals, comparisons } = cleanup;
  if (strict) {
    for (const batch of cleanup.batches) {
      const error = disagreement(batch, comparisons.get(batch.id) ?? nothingRecorded);
      if (error !== undefined) refusals.set(batch.id, error);
    }
  }
  if (refusals.size > 0 && !goesOn) return;
  const progress = await openProgress(deps, cleanup, call);
  const actor = (await findJob(deps.db, call.jobId))?.requestedBy ?? 'unknown';
  for (const batch of cleanup.batches.filter(isLeft)) {
    if (refusals.has(batch.id)) continue;
    const refusal = await cleanBatch(deps, batch, {
      mark: 'cleaned',
      references: cleanup.references,
      strict: strict && !batch.isPulled, // whose users may be gone
      signal: call.signal,
      onCleaned: progress,
    });
    if (refusal === undefined) await finishBatch(deps, batch, { jobId: call.jobId, actor });
    else refusals.set(batch.id, refusal);
    if (refusal !== undefined && !goesOn) return;
  }
}

async function openProgress({ applicationDb }: BulkUsersDeps, { batches }: Cleanup, { report }: Call) {
  const tallies = await tallyCleanup(applicationDb, batches);
  let [done, total] = [0, 0];
  for (const { cleaned, left } of tallies.values()) {
    done += cleaned;
    total += cleaned + left;
  }
  report({ phase: 'deleting', done, total });
  return (users: number) => {
    done += users;
    report({ phase: 'deleting', done, total });
  };
}

async function resultOf(
  { applicationDb }: BulkUsersDeps,
  { batches: all, references, comparisons, refusals }: Cleanup,
  call: Call,
): Promise<BulkUsersCleanupResult> {
  const tallies = await tallyCleanup(applicationDb, all);
  const batches = all.map((batch): CleanedBatch => {
    const error = refusals.get(batch.id);
    const deleted = tallies.get(batch.id)?.deleted ?? 0;
    return {
      batch_id: batch.id,
      status: statusOf(batch, deleted, error),
      comparison: comparisons.get(batch.id) ?? nothingRecorded,
      deleted,
      ...(error && { error }),
    };
  });
  return {
    dry_run: false,
    deleted_count: batches.reduce((total, { deleted }) => total + deleted, 0),
    tables: await sumCleanedRows(applicationDb, all),
    foreign_keys: presentReferences(references),
    batch_count: batches.length,
    batches: batches.slice(0, batchesInResult),
    cleaned_up_count: all.filter(batch => !isLeft(batch)).length,
    refused_count: refusals.size,
    duration: secondsSinceStart(call),
  };
}

function statusOf(batch: CleanupBatch, deleted: number, error: Refusal | undefined): CleanedBatch['status'] {
  if (!isLeft(batch)) return 'cleaned_up';
  if (deleted > 0) return 'partially_cleaned_up';
  return error === undefined ? 'not_started' : 'refused';
}

const secondsSinceStart = ({ startedAt }: Call): number =>
  Math.max(0, Date.now() - startedAt.getTime()) / 1000;
