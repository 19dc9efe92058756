import { type BulkUsersCreateResult, bulkUsersCreate } from '../../../../shared/contracts/bulk-users.ts';
import { AppError, isAppError } from '../../../../shared/kernel/errors.ts';
import { passwordHashers } from '../../../../shared/platform/passwords/password-formats.ts';
import {
  type BatchRow,
  findBatch,
  markPlanned,
  settlePasswordHash,
} from '../../../../shared/store/bulk-users/bulk-batches.ts';
import { takeForCreation } from '../../../../shared/store/bulk-users/bulk-cleanup-batches.ts';
import { planChunks, reopenChunks, withdrawChunks } from '../../../../shared/store/bulk-users/bulk-ledger.ts';
import { type Tally, tallyBatch } from '../../../../shared/store/bulk-users/bulk-tallies.ts';
import { assertGuards } from '../../../../shared/store/guards/faults.ts';
import { guardRefusalOf } from '../../../../shared/store/guards/refusal.ts';
import { cancelledWith, implementJob, type JobCall } from '../../job-runner.ts';
import { conductChunks } from './conduct.ts';
import { conductHashes } from './conduct-hashes.ts';
import type { BulkUsersDeps } from './deps.ts';
import { rollBackBatch } from './rollback.ts';

type Call = JobCall<{ batch_id: string }>;

/**
 * The conductor of one batch. It makes no user itself: it plans chunks, hands them out, watches the ledger. Each
 * step may be done twice (a conductor that died is followed by another), so each one changes nothing the second time.
 */
export const createBatch = implementJob(bulkUsersCreate, (deps: BulkUsersDeps) => async call => {
  const batch = await batchOf(deps, call.input.batch_id);
  await assertGuards(deps.testDataDb, deps.users.mapping); // they may have been changed since the worker's start
  try {
    return await conclude(deps, batch, call, await createUsers(deps, batch, call));
  } catch (error) {
    throw guardRefusalOf(error) ?? error;
  }
});

/**
 * Has the batch's users made, as far as they can be. A rollback that has begun goes on at once, even where the creation
 * was cancelled since: a worker that takes the job over knows it by the failure that began it.
 */
async function createUsers(deps: BulkUsersDeps, batch: BatchRow, call: Call): Promise<Tally> {
  const before = await tallyBatch(deps.applicationDb, batch.id);
  if (batch.plannedRun >= call.run && isToRollBack(batch, before)) return before;
  try {
    await settleHashes(deps, batch, call);
    await planBatch(deps, batch, call);
    return await conductChunks(deps, batch, call);
  } catch (error) {
    if (!isAppError(call.signal.reason, 'cancelled')) throw error;
    await withdrawChunks(deps.applicationDb, batch.id);
    throw cancelledWith(resultOf(batch, call, await tallyBatch(deps.applicationDb, batch.id)));
  }
}

const isToRollBack = ({ config }: BatchRow, { failedThisRun, refusal }: Tally): boolean =>
  config.on_error === 'rollback' && (failedThisRun > 0 || refusal !== null);

async function batchOf({ db }: BulkUsersDeps, id: string): Promise<BatchRow> {
  const found = await findBatch(db, id);
  if (found === undefined) throw new AppError('not_found', `There is no batch ${id}`);
  await takeForCreation(db, found.batch); // a retry may come after a cleanup
  return found.batch;
}

/** One shared password costs one hash a batch; it is made off the event loop. Different ones are made by all workers. */
async function settleHashes(deps: BulkUsersDeps, batch: BatchRow, call: Call): Promise<void> {
  const { db, vault, users } = deps;
  if (batch.sealedSecret !== null) vault.open(batch.sealedSecret); // here, where one that does not open ends the job
  await conductHashes(deps, batch, call);
  if (batch.passwordHash !== null || batch.sealedPassword === null) return;
  const { hash } = passwordHashers[users.mapping.password_format];
  await settlePasswordHash(db, batch.id, await hash(vault.open(batch.sealedPassword)));
}

async function planBatch({ db, applicationDb }: BulkUsersDeps, batch: BatchRow, call: Call): Promise<void> {
  if (batch.plannedRun >= call.run) return;
  call.report({ phase: 'planning', done: 0, total: batch.totalRequested });
  await planChunks(applicationDb, {
    batchId: batch.id,
    total: batch.totalRequested,
    chunkSize: batch.chunkSize,
  });
  if (call.run > 0) await reopenChunks(applicationDb, batch.id);
  await markPlanned(db, batch.id, call.run);
}

/** What one chunk cannot get past, the others cannot either: they are withdrawn. */
async function conclude(
  deps: BulkUsersDeps,
  batch: BatchRow,
  call: Call,
  tally: Tally,
): Promise<BulkUsersCreateResult> {
  const { refusal } = tally;
  if (isToRollBack(batch, tally)) {
    return { ...(await rollBack(deps, batch, call)), ...(refusal && { refusal }) };
  }
  if (refusal === null) return resultOf(batch, call, tally);
  await withdrawChunks(deps.applicationDb, batch.id);
  return { ...resultOf(batch, call, await tallyBatch(deps.applicationDb, batch.id)), refusal };
}

async function rollBack(deps: BulkUsersDeps, batch: BatchRow, call: Call): Promise<BulkUsersCreateResult> {
  const { removed, refusal } = await rollBackBatch(deps, batch, call);
  call.log(`Rolled back: ${removed} users removed again`);
  const tally = await tallyBatch(deps.applicationDb, batch.id);
  return {
    ...resultOf(batch, call, tally),
    rolled_back_count: removed,
    ...(refusal && { rollback_refusal: refusal }),
  };
}

const resultOf = (batch: BatchRow, call: Call, { created, failed }: Tally): BulkUsersCreateResult => ({
  batch_id: batch.id,
  total_requested: batch.totalRequested,
  successful_count: created,
  failed_count: failed,
  execution_time: Math.max(0, Date.now() - call.startedAt.getTime()) / 1000,
});
