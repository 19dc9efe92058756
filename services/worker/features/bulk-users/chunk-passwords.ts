import { AppError } from '../../../../shared/kernel/errors.ts';
import { derivePassword } from '../../../../shared/platform/passwords/derived-password.ts';
import { hashAll } from '../../../../shared/platform/passwords/hash-all.ts';
import { passwordHashers } from '../../../../shared/platform/passwords/password-formats.ts';
import type { BatchRow } from '../../../../shared/store/bulk-users/bulk-batches.ts';
import { type ChunkLease, holdsLease } from '../../../../shared/store/bulk-users/bulk-ledger.ts';
import { readHashes } from '../../../../shared/store/bulk-users/password-hashes.ts';
import { type PasswordHashes, rangeOf, slotsOf } from '../../../../shared/store/bulk-users/user-creation.ts';
import type { BulkUsersDeps } from './deps.ts';

/** Between two slices a chunk looks whether it was withdrawn: a second's work of one core, or less. */
const slice = 32;

/** The hashes that a chunk's users get: one for all, stored ones by slot, or one each, made here. */
export async function chunkPasswords(
  deps: BulkUsersDeps,
  batch: BatchRow,
  { lease, signal }: { lease: ChunkLease; signal: AbortSignal },
): Promise<string | PasswordHashes> {
  const { distinct_passwords: distinct } = batch.config;
  if (distinct === undefined) return batch.passwordHash ?? missing(batch, 'password hash');
  const slots = slotsOf(rangeOf(lease), distinct);
  if (distinct === 'all') {
    return { modulus: undefined, slots, hashes: await hashSlots(deps, batch, { lease, slots, signal }) };
  }
  const stored = await readHashes(deps.db, batch.id, slots);
  if (stored.slots.length < slots.length) return missing(batch, 'hash of each password');
  return { modulus: distinct, ...stored };
}

async function hashSlots(
  deps: BulkUsersDeps,
  batch: BatchRow,
  { lease, slots, signal }: { lease: ChunkLease; slots: number[]; signal: AbortSignal },
): Promise<string[]> {
  if (batch.sealedSecret === null) return missing(batch, 'secret');
  const secret = deps.vault.open(batch.sealedSecret);
  const hasher = passwordHashers[deps.users.mapping.password_format];
  const hashes: string[] = [];
  for (let from = 0; from < slots.length; from += slice) {
    if (!(await holdsLease(deps.applicationDb, lease))) throw new AppError('lease_lost');
    const passwords = slots.slice(from, from + slice).map(slot => derivePassword(secret, slot));
    hashes.push(...(await hashAll(hasher, passwords, { atOnce: deps.hashesAtOnce, signal })));
  }
  return hashes;
}

function missing(batch: BatchRow, what: string): never {
  throw new AppError('internal_error', `The batch ${batch.id} has no ${what} yet`);
}
