import { eq, sql } from 'drizzle-orm';
import { installation } from '../../drizzle/platform/schema/settings.ts';
import { AppError, isAppError } from '../kernel/errors.ts';
import type { Vault } from '../platform/crypto.ts';
import type { Executor } from '../platform/postgres/db.ts';

const proofName = 'encryption_key_proof';
const proofText = 'muster';

/**
 * Checks that this process has the encryption key of its installation: the first process ever to start stores a sealed
 * text, which every other must be able to open. Of two first ones with different keys, one is refused.
 * @throws AppError `secret_unreadable` under another key
 */
export async function assertEncryptionKey(db: Executor, vault: Vault): Promise<void> {
  await db
    .insert(installation)
    .values({ name: proofName, value: vault.seal(proofText) })
    .onConflictDoNothing();
  const [proof] = await db
    .select({ value: installation.value })
    .from(installation)
    .where(eq(installation.name, proofName));
  if (proof !== undefined && opens(vault, proof.value)) return;
  throw new AppError('secret_unreadable', 'MUSTER_ENCRYPTION_KEY is not the key of this installation', {
    hint:
      'Set the key with which this database was first started: passwords and sessions in it open with no other. ' +
      'If that key is lost, see "The encryption key" in docs/operations.md.',
  });
}

function opens(vault: Vault, sealed: string): boolean {
  try {
    return vault.open(sealed) === proofText;
  } catch (error) {
    if (isAppError(error, 'secret_unreadable')) return false;
    throw error;
  }
}

/** Stores a value of the installation; false when it was that already. Holds off others until the transaction ends. */
export async function noteValue(tx: Executor, name: string, value: string): Promise<boolean> {
  const noted = await tx
    .insert(installation)
    .values({ name, value })
    .onConflictDoUpdate({
      target: installation.name,
      set: { value },
      setWhere: sql`${installation.value} is distinct from ${value}`,
    })
    .returning({ name: installation.name });
  return noted.length > 0;
}
