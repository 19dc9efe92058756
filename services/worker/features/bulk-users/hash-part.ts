import { bulkUsersHash, hashesOfTask } from '../../../../shared/contracts/bulk-users.ts';
import { derivePassword } from '../../../../shared/platform/passwords/derived-password.ts';
import { hashAll } from '../../../../shared/platform/passwords/hash-all.ts';
import { passwordHashers } from '../../../../shared/platform/passwords/password-formats.ts';
import { implement } from '../../../../shared/platform/queue/consumer.ts';
import type { PayloadOf } from '../../../../shared/platform/queue/contract.ts';
import { readHashes, storeHashes } from '../../../../shared/store/bulk-users/password-hashes.ts';
import { orRefusal } from '../../refusal.ts';
import type { BulkUsersDeps } from './deps.ts';
import { openBatch } from './open-batch.ts';

const nothing = { hashed: 0 };

/**
 * Hashes a part of a batch's distinct passwords. Slots that are stored already are left alone, and of two workers that
 * hash one slot the first wins, so that a task may run twice, or too late. One that no further try gets past says so in
 * its result.
 */
export const hashPart = implement(
  bulkUsersHash,
  (deps: BulkUsersDeps) => context =>
    orRefusal(deps.logger, context, nothing, () => hashSlots(deps, context.payload, context.signal)),
);

async function hashSlots(deps: BulkUsersDeps, payload: PayloadOf<typeof bulkUsersHash>, signal: AbortSignal) {
  const batch = await openBatch(deps, payload);
  const distinct = batch?.config.distinct_passwords;
  if (batch === undefined || batch.sealedSecret === null || typeof distinct !== 'number') return nothing;
  const first = payload.part * hashesOfTask;
  const size = Math.max(0, Math.min(hashesOfTask, distinct - first));
  const wanted = Array.from({ length: size }, (_, i) => first + i);
  const stored = new Set((await readHashes(deps.db, batch.id, wanted)).slots);
  const slots = wanted.filter(slot => !stored.has(slot));
  const secret = deps.vault.open(batch.sealedSecret);
  const hashes = await hashAll(
    passwordHashers[deps.users.mapping.password_format],
    slots.map(slot => derivePassword(secret, slot)),
    { atOnce: deps.hashesAtOnce, signal },
  );
  await storeHashes(deps.db, batch.id, { slots, hashes });
  return { hashed: slots.length };
}
