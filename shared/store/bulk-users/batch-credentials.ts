import { inArray } from 'drizzle-orm';
import { bulkUserBatches } from '../../../drizzle/platform/schema/bulk-users.ts';
import { type BatchConfig, slotOf } from '../../contracts/bulk-users.ts';
import { idOf } from '../../contracts/username-pattern.ts';
import { isUuid } from '../../kernel/ids.ts';
import type { Vault } from '../../platform/crypto.ts';
import { derivePassword } from '../../platform/passwords/derived-password.ts';
import type { Executor } from '../../platform/postgres/db.ts';

/** The password of a user of a batch; undefined when Muster does not know it, or not any more. */
export type PasswordOf = (batchId: string | null, username: string) => string | undefined;

/**
 * The passwords of the users of some batches, in clear: hand them on, never store or log them. Reads one row a batch; a
 * batch that was cleaned up has none, and neither has a user whose name is not one that the batch gave.
 * @throws AppError `secret_unreadable` under another key than the one that sealed them
 */
export async function openCredentials(db: Executor, vault: Vault, batchIds: string[]): Promise<PasswordOf> {
  const known = batchIds.filter(isUuid); // another application's users may have batches of any name
  if (known.length === 0) return () => undefined;
  const rows = await db
    .select({
      id: bulkUserBatches.id,
      config: bulkUserBatches.config,
      sealedPassword: bulkUserBatches.sealedPassword,
      sealedSecret: bulkUserBatches.sealedSecret,
    })
    .from(bulkUserBatches)
    .where(inArray(bulkUserBatches.id, known));
  const byBatch = new Map(rows.map(row => [row.id, passwordsOf(vault, row)]));
  return (batchId, username) => (batchId === null ? undefined : byBatch.get(batchId)?.(username));
}

interface SealedCredentials {
  config: BatchConfig;
  sealedPassword: string | null;
  sealedSecret: string | null;
}

/** The password by username of one batch. */
function passwordsOf(
  vault: Vault,
  { config, sealedPassword, sealedSecret }: SealedCredentials,
): (username: string) => string | undefined {
  const numberOf = (username: string) => idOf(config.username_pattern, username);
  if (sealedSecret !== null) {
    const secret = vault.open(sealedSecret);
    return username => {
      const id = numberOf(username);
      return id === undefined ? undefined : derivePassword(secret, slotOf(config.distinct_passwords, id));
    };
  }
  if (sealedPassword === null) return () => undefined;
  const shared = vault.open(sealedPassword);
  return username => (numberOf(username) === undefined ? undefined : shared);
}
