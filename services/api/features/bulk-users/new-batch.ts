import type { BatchConfig } from '../../../../shared/contracts/bulk-users.ts';
import { type CreationConfig, maxChunks } from '../../../../shared/http/creation-config.ts';
import type { Vault } from '../../../../shared/platform/crypto.ts';
import { newBatchSecret } from '../../../../shared/platform/passwords/derived-password.ts';

/**
 * What is kept of a request for bulk creation, besides its secrets.
 * @param usualChunk the setting `bulk_chunk_size`: null lets the count choose
 */
export function newBatch(config: CreationConfig, count: number, usualChunk: number | null) {
  const distinct_passwords = distinctFor(config, count);
  const usual = distinct_passwords === 'all' ? hashedChunkSize : (usualChunk ?? chunkSizeFor(count));
  const chunkSize = config.batch_size ?? Math.max(usual, Math.ceil(count / maxChunks));
  const kept: BatchConfig = {
    username_pattern: config.username_pattern,
    email_domain: config.email_domain,
    user_role: config.user_role,
    batch_size: chunkSize,
    custom_attributes: config.custom_attributes,
    ...(distinct_passwords === undefined ? {} : { distinct_passwords }),
    creation_interval_ms: config.creation_interval_ms,
    on_error: config.on_error,
  };
  return { totalRequested: count, chunkSize, config: kept };
}

/** As many passwords as users, or more, are one each. */
const distinctFor = ({ distinct_passwords: distinct }: CreationConfig, count: number) =>
  typeof distinct === 'number' && distinct >= count ? 'all' : distinct;

/** Where each user's password is hashed, a chunk of so many takes a second or two of one core. */
const hashedChunkSize = 100;

/** The shared password of a batch, or the secret from which its different ones are derived; encrypted. */
export const sealedSecrets = (vault: Vault, { password, distinct_passwords }: CreationConfig) =>
  distinct_passwords === undefined
    ? { sealedPassword: vault.seal(password) }
    : { sealedSecret: vault.seal(newBatchSecret()) };

/**
 * 100 as the source has it up to 1,000 users. Above that some 16 chunks, of 500 to 5,000 users: a chunk costs a few
 * round trips besides its rows, and one of 5,000 is still done, and its progress seen, within a tenth of a second.
 */
const chunkSizeFor = (count: number): number =>
  count <= 1000 ? 100 : Math.min(5000, Math.max(500, Math.ceil(count / 16)));
