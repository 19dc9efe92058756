import { bulkUsersHash, hashesOfTask } from '../../../../shared/contracts/bulk-users.ts';
import { derivePassword } from '../../../../shared/platform/derived-password.ts';
import { hashAll } from '../../../../shared/platform/hash-all.ts';
import { passwordHashers } from '../../../../shared/platform/password-formats.ts';
import { implement } from '../../../../shared/platform/queue/consumer.ts';
import { readHashes, storeHashes } from '../../../../shared/store/password-hashes.ts';
import type { BulkUsersDeps } from './deps.ts';
import { openBatch } from './open-batch.ts';

/**
 * Hashes a part of a batch's distinct passwords. Slots that are stored already are left alone, and of two workers that
 * hash one slot the first wins, so that a task may run twice, or too late.
 */
export const hashPart = implement(bulkUsersHash, (deps: BulkUsersDeps) => async ({ payload, signal }) => {
  const batch = await openBatch(deps, payload);
  const distinct = batch?.config.distinct_passwords;
  if (batch === undefined || batch.sealedSecret === null || typeof distinct !== 'number')
    return { hashed: 0 };
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
});
