import { bulkUsersChunk } from '../../../../shared/contracts/bulk-users.ts';
import { AppError, isAppError } from '../../../../shared/kernel/errors.ts';
import { implement } from '../../../../shared/platform/queue/consumer.ts';
import type { BatchRow } from '../../../../shared/store/bulk-users/bulk-batches.ts';
import {
  type ChunkLease,
  claimChunk,
  concludeChunk,
  holdChunk,
  refuseChunk,
  type UserFailure,
} from '../../../../shared/store/bulk-users/bulk-ledger.ts';
import {
  createUsersTogether,
  forgetGoneUsers,
  rangeOf,
  type UserSpec,
} from '../../../../shared/store/bulk-users/user-creation.ts';
import { limitTransaction } from '../../../../shared/store/transactions.ts';
import { refusalOf } from '../../refusal.ts';
import { chunkPasswords } from './chunk-passwords.ts';
import { createRange, rowFaultOf } from './create-range.ts';
import type { BulkUsersDeps } from './deps.ts';
import { openBatch } from './open-batch.ts';

/** Well above what 10,000 users take on a slow database: one that takes longer is tried again, with as much time more. */
const longestChunkMs = 30_000;

const nothing = { created: 0, failed: 0 };

/**
 * One chunk: its users, its failures and its `done` mark are one transaction, held to the epoch under which this
 * worker claimed it. A task that comes too late (chunk done, withdrawn, job ended) does nothing and completes. One that
 * meets what no further try gets past, a guard for one, or has had all its tries, says so in the ledger, where the
 * conductor finds it. Only an outage is waited for however long it takes: the conductor hands such a task out again.
 */
export const createChunk = implement(bulkUsersChunk, (deps: BulkUsersDeps) => async context => {
  const { payload, signal } = context;
  const batch = await openBatch(deps, payload);
  if (batch === undefined) return nothing;
  const lease = await claimChunk(deps.applicationDb, {
    batchId: payload.batch_id,
    chunkIndex: payload.chunk_index,
    worker: deps.workerName,
  });
  if (lease === undefined) return nothing;
  try {
    const password = await chunkPasswords(deps, batch, { lease, signal });
    const write = { lease, spec: userSpec(batch, password), longestMs: longestChunkMs * context.attempt };
    const failures = await writeChunk(deps, write);
    return { created: lease.size - failures.length, failed: failures.length };
  } catch (error) {
    if (isAppError(error, 'lease_lost')) return nothing;
    const refusal = refusalOf(error, context);
    if (refusal === undefined) throw error;
    deps.logger.error({ err: error, batchId: batch.id, chunk: lease.chunkIndex }, 'a chunk cannot be done');
    await refuseChunk(deps.applicationDb, lease, refusal);
    return nothing;
  }
});

const userSpec = ({ id, config }: BatchRow, password: UserSpec['password']): UserSpec => ({
  batchId: id,
  usernamePattern: config.username_pattern,
  emailDomain: config.email_domain,
  role: config.user_role,
  customAttributes: config.custom_attributes,
  password,
});

interface ChunkWrite {
  lease: ChunkLease;
  spec: UserSpec;
  longestMs: number;
}

/** Makes the chunk's users in the hope that nothing stands in the way, and with care where something does. */
async function writeChunk(deps: BulkUsersDeps, write: ChunkWrite): Promise<UserFailure[]> {
  const { lease, spec, longestMs } = write;
  if (!lease.again && (await writeTogether(deps, write))) return [];
  return deps.testDataDb.transaction(async tx => {
    await limitTransaction(tx, longestMs); // or a frozen worker keeps the chunk's row locked
    if (!(await holdChunk(tx, lease))) throw new AppError('lease_lost');
    if (lease.again) await forgetGoneUsers(tx, deps.users, lease);
    const failures = await createRange(tx, deps.users, { spec, lease, range: rangeOf(lease) });
    await concludeChunk(tx, lease, failures);
    return failures;
  });
}

/**
 * One statement for the whole chunk; false when a row is at fault. The hope costs little where it fails (the statement
 * ends at the first such row) and saves the look into every unique index where it holds. The lease is looked at by the
 * same statement, last, so that the chunk's row is locked for no longer than the commit takes.
 */
async function writeTogether(
  { testDataDb, users }: BulkUsersDeps,
  { lease, spec, longestMs }: ChunkWrite,
): Promise<boolean> {
  try {
    await testDataDb.transaction(async tx => {
      await limitTransaction(tx, longestMs);
      if (!(await createUsersTogether(tx, users, { spec, lease }))) throw new AppError('lease_lost');
    });
    return true;
  } catch (error) {
    if (rowFaultOf(error) === undefined) throw error;
    return false;
  }
}
