import {
  type ImportFault,
  type ImportResult,
  maxImportedUsers,
  maxListedFaults,
  type TransferredUser,
} from '../../../../../shared/http/accounts.ts';
import { AppError, isAppError } from '../../../../../shared/kernel/errors.ts';
import type { JsonRow } from '../../../../../shared/platform/json-rows.ts';
import type { Executor } from '../../../../../shared/platform/postgres/db.ts';
import {
  type PasswordKeeper,
  sealPasswords,
} from '../../../../../shared/store/accounts/account-passwords.ts';
import { type AccountFields, upsertAccounts } from '../../../../../shared/store/accounts/accounts.ts';
import { checkUser } from './check-user.ts';
import { createSeenUsernames } from './seen-usernames.ts';

/**
 * Puts the users of a stream into the pool, a chunk a statement, each chunk committed by itself: a request takes as
 * long as its client takes to send it, and no transaction should wait for that. While one chunk is written the next is
 * read. What breaks the stream leaves the chunks before it, and says so; to send it all again does no harm.
 */
export interface ImportOptions {
  db: Executor;
  keeper: PasswordKeeper;
  onConflict: 'skip' | 'overwrite';
  /** Aborts when the client goes away or the process stops. */
  signal: AbortSignal;
  maxUsers?: number;
}

interface ImportCounts
  extends Pick<ImportResult, 'created' | 'updated' | 'unchanged' | 'failed_count' | 'errors'> {
  /** Accounts that were left as they were and are not what came. */
  differing: number;
}

/**
 * Users in one statement. More make it no faster, and rows that wait longer outlive the young part of V8's heap: memory
 * fills up with them.
 */
const chunkSize = 500;

export interface Import {
  /** The counts of the chunks that are written so far. */
  readonly counts: ImportCounts;
  /** Reads to the end. @throws AppError of what broke the stream, which says how much was imported before. */
  run(rows: AsyncIterable<JsonRow[]>): Promise<void>;
}

export function createImport(options: ImportOptions): Import {
  const { maxUsers = maxImportedUsers } = options;
  const nothing = { created: 0, updated: 0, unchanged: 0, differing: 0, failed_count: 0 };
  const counts: ImportCounts = { ...nothing, errors: [] };
  const seen = createSeenUsernames();
  let chunk: TransferredUser[] = [];
  let writing = Promise.resolve();
  let rowsRead = 0;

  /** Waits for the chunk before, then starts to write this one. */
  async function handOver(): Promise<void> {
    await writing;
    options.signal.throwIfAborted();
    writing = writeChunk(options, chunk, counts);
    writing.catch(() => {}); // it is awaited with the next chunk, or at the end
    chunk = [];
  }

  function take(row: JsonRow): void {
    rowsRead += 1;
    if (rowsRead > maxUsers) throw tooMany(maxUsers);
    const checked = checkUser(row, seen);
    if ('user' in checked) chunk.push(checked.user);
    else noteFault(counts, checked.fault);
  }

  return {
    counts,
    async run(rows) {
      try {
        for await (const some of rows) {
          for (const row of some) {
            take(row);
            if (chunk.length >= chunkSize) await handOver();
          }
        }
        await handOver();
        await writing;
      } catch (error) {
        await writing.catch(() => {});
        throw brokenOff(error, counts);
      }
    },
  };
}

const tooMany = (maxUsers: number) =>
  new AppError(
    'payload_too_large',
    `There are more than ${maxUsers.toLocaleString('en')} users, which is the limit of one import`,
  );

function noteFault(counts: ImportCounts, fault: ImportFault): void {
  counts.failed_count += 1;
  if (counts.errors.length < maxListedFaults) counts.errors.push(fault);
}

async function writeChunk(
  { db, keeper, onConflict }: ImportOptions,
  chunk: readonly TransferredUser[],
  counts: ImportCounts,
): Promise<void> {
  const passwords = chunk.flatMap(({ username, password }): [string, string][] =>
    typeof password === 'string' ? [[username, password]] : [],
  );
  const sealed = await sealPasswords(db, keeper, new Map(passwords));
  const rows = chunk.map(user => toAccount(user, sealed.get(user.username)));
  const written = await upsertAccounts(db, rows, { onConflict });
  counts.created += written.created;
  counts.updated += written.updated;
  counts.unchanged += written.unchanged;
  counts.differing += written.differing;
}

const toAccount = (user: TransferredUser, sealedPassword: string | undefined): AccountFields => ({
  username: user.username,
  email: user.email,
  role: user.role,
  isTestUser: user.is_test_user,
  testBatchId: user.test_batch_id ?? null,
  customAttributes: JSON.stringify(user.custom_attributes),
  sealedPassword,
  sourceId: user.id,
  createdAt: user.created_at,
  updatedAt: user.updated_at,
});

/** The same error, with a word on what stays. */
function brokenOff(error: unknown, { created, updated, unchanged }: ImportCounts): unknown {
  if (!isAppError(error)) return error;
  const done = created + updated + unchanged;
  const said = error.hint === undefined ? '' : `${error.hint} `;
  const stays =
    done === 0
      ? 'Nothing was imported.'
      : `The first ${done} valid users are imported (${created} new, ${updated} changed); it can be sent again.`;
  return new AppError(error.code, error.message, {
    hint: `${said}${stays}`,
    faults: error.faults,
    cause: error.cause,
  });
}
