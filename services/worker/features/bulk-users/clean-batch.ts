import type { Refusal } from '../../../../shared/contracts/refusal.ts';
import { type AppError, isAppError } from '../../../../shared/kernel/errors.ts';
import { sleep } from '../../../../shared/kernel/time.ts';
import { sqlMessageOf, sqlStateOf } from '../../../../shared/platform/postgres/sql-state.ts';
import type { BatchRow } from '../../../../shared/store/bulk-users/bulk-batches.ts';
import {
  cleanChunks,
  countGoneUsers,
  type GoneMark,
  hasUncleaned,
  type TakenChunks,
  takeChunks,
} from '../../../../shared/store/bulk-users/bulk-cleanup.ts';
import { guardRefusalOf } from '../../../../shared/store/guards/refusal.ts';
import { limitTransaction } from '../../../../shared/store/transactions.ts';
import type { UserReference } from '../../../../shared/store/users/user-references.ts';
import type { BulkUsersDeps } from './deps.ts';

/**
 * Transactions at once. All the work is the database's, so one process can give it as many as it has cores to spare;
 * other workers would add nothing.
 */
const lanes = 3;
/** Small chunks are cleaned up together: a transaction costs more than a hundred users. */
const usersAtOnce = 5000;
const chunksAtOnce = 10;
/** Well above what 10,000 users take on a slow database: one that takes longer is tried again. */
const longestMs = 60_000;
/** Until chunks that somebody else has in hand are looked at again. */
const patienceMs = 100;

const noChunks: TakenChunks = { chunks: [], recorded: 0 };
/** `foreign_key_violation`, and `restrict_violation`, which PostgreSQL 18 tells apart. */
const stillReferred = ['23503', '23001'];

export interface CleanBatchOptions {
  /** What the chunks become: cleaned for good, or rolled back, to be done again by a retry. */
  mark: GoneMark;
  references: UserReference[];
  /** The first chunk that is refused ends the batch, as one that a guard refuses always does; a user who is gone counts as a mismatch. */
  strict: boolean;
  signal: AbortSignal;
  /** Told of users whose chunk has been cleaned up. */
  onCleaned(users: number): void;
}

/**
 * Deletes a batch's users, chunk by chunk, each once, whoever else does the same.
 * @returns why chunks were left, when some were; undefined when there is nothing left
 */
export async function cleanBatch(
  deps: BulkUsersDeps,
  batch: Pick<BatchRow, 'id' | 'chunkSize'>,
  options: CleanBatchOptions,
): Promise<Refusal | undefined> {
  const lane = createLane(deps, batch, options);
  for (;;) {
    const ended = await Promise.allSettled(Array.from({ length: lanes }, lane.run));
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
    options.signal.throwIfAborted();
    if (lane.isStopped() || !(await hasUncleaned(deps.applicationDb, batch.id, lane.refused()))) break;
    await sleep(patienceMs, options.signal);
  }
  return lane.refusal();
}

function createLane(
  deps: BulkUsersDeps,
  batch: Pick<BatchRow, 'id' | 'chunkSize'>,
  options: CleanBatchOptions,
) {
  const { strict, signal, onCleaned } = options;
  const refused: number[] = [];
  let refusal: Refusal | undefined;
  let limit = Math.min(chunksAtOnce, Math.max(1, Math.floor(usersAtOnce / batch.chunkSize)));
  const isStopped = () => refusal !== undefined && (strict || refusal.code === 'guard_refused');

  /** One refused chunk is refused alone: what was taken together is tried again one by one. */
  function refuse(taken: TakenChunks, why: Refusal): void {
    if (taken.chunks.length > 1) limit = 1;
    else {
      refused.push(...taken.chunks);
      refusal ??= why;
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted && !isStopped()) {
      let taken = noChunks;
      try {
        taken = await cleanNext(deps, batch, {
          ...options,
          limit,
          except: refused,
          onTaken: chunks => (taken = chunks),
        });
        if (taken.chunks.length === 0) return;
        onCleaned(taken.recorded);
      } catch (error) {
        const why = refusalOf(error);
        if (why === undefined || taken.chunks.length === 0) throw error;
        refuse(taken, why);
      }
    }
  }
  return { run, isStopped, refused: () => refused, refusal: () => refusal };
}

type NextChunks = CleanBatchOptions & {
  limit: number;
  except: number[];
  onTaken(taken: TakenChunks): void;
};

function cleanNext(
  { testDataDb, applicationDb, users }: BulkUsersDeps,
  { id: batchId }: Pick<BatchRow, 'id'>,
  { mark, references, strict, limit, except, onTaken }: NextChunks,
): Promise<TakenChunks> {
  const countGone = async (chunks: number[]) =>
    strict ? 0 : countGoneUsers(applicationDb, { users, batchId }, chunks);
  return testDataDb.transaction(async tx => {
    await limitTransaction(tx, longestMs); // or a frozen worker keeps the chunks' rows locked
    const taken = await takeChunks(tx, { batchId, limit, except });
    onTaken(taken);
    if (taken.chunks.length > 0)
      await cleanChunks(tx, { users, batchId, mark, references, countGone }, taken);
    return taken;
  });
}

/** Why a chunk was refused; undefined for errors that are not about its rows. */
function refusalOf(error: unknown): Refusal | undefined {
  const known = isAppError(error, 'ledger_mismatch') ? error : guardRefusalOf(error);
  if (known !== undefined) return { code: known.code, message: textOf(known) };
  if (!stillReferred.includes(sqlStateOf(error) ?? '')) return undefined;
  return {
    code: 'still_referenced',
    message: `A row that Muster must not touch refers to a user: ${sqlMessageOf(error)}`,
  };
}

const textOf = ({ message, hint }: AppError): string =>
  hint === undefined ? message : `${message}. ${hint}`;
