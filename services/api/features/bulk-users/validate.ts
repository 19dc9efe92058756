import type { z } from 'zod';
import { addressOf, expand } from '../../../../shared/contracts/username-pattern.ts';
import type { validation } from '../../../../shared/http/config-validation.ts';
import type { CreationConfig } from '../../../../shared/http/creation-config.ts';
import type { HashPrice } from '../../../../shared/platform/passwords/hash-price.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import { findBatch } from '../../../../shared/store/bulk-users/bulk-batches.ts';
import { countTaken } from '../../../../shared/store/bulk-users/taken-names.ts';
import { isBatchIdTaken } from '../../../../shared/store/users/user-directory.ts';
import { warningsOf } from './config-warnings.ts';
import { newBatch } from './new-batch.ts';
import { readSentConfig, type SentConfig } from './sent-config.ts';
import { settleWhole, type WholeDeps } from './whole-faults.ts';

export interface ValidateDeps extends WholeDeps {
  priceOf: (hashes: number) => Promise<HashPrice>;
}

/** A body with a hundred thousand faults gets an answer of bearable size. */
const maxFaults = 100;
const previewed = 5;
/** How many usernames are looked up in the application; of a larger batch, an even sample. */
const looked = 1000;

/** Everything that can be said of a configuration, or of the body of a request, without creating anything. */
export async function validate(
  deps: ValidateDeps,
  db: Executor,
  body: unknown,
): Promise<z.input<typeof validation>> {
  const sent = readSentConfig(body);
  const { config, settings, faults } = await settleWhole(deps, db, sent);
  const { count = 1, base } = sent;
  const errors = [...sent.faults, ...faults, ...(await batchFaults(deps, db, sent))];
  const hasPattern = errors.every(({ pointer }) => pointer !== `${base}/username_pattern`);
  const hashes = hashesOf(config, count);
  const price = await deps.priceOf(hashes);
  const { chunkSize } = newBatch(config, count, settings.bulk_chunk_size);
  const taken = await lookForNames(deps, config, hasPattern ? (sent.count ?? 100) : 0);
  const namesPassword = sent.parts.password !== undefined;
  const circumstances = { config, count: sent.count, chunkSize, namesPassword, taken, hashes, price };
  return {
    is_valid: errors.length === 0,
    errors: errors.slice(0, maxFaults),
    warnings: warningsOf(circumstances, base).filter(
      ({ pointer }) => !errors.some(e => e.pointer === pointer),
    ),
    preview: hasPattern ? names(config, Math.min(previewed, sent.count ?? previewed)) : [],
    estimate: { password_hashes: hashes, hash_seconds: rounded(price.seconds), cores: price.cores },
  };
}

async function batchFaults(
  { applicationDb, users }: ValidateDeps,
  db: Executor,
  { parts, base }: SentConfig,
) {
  const id = parts.test_batch_id;
  if (id === undefined) return [];
  const exists = (await findBatch(db, id)) !== undefined || (await isBatchIdTaken(applicationDb, users, id));
  const detail = 'is the id of a batch that exists already: leave it out, or choose another';
  return exists ? [{ pointer: `${base}/test_batch_id`, code: 'batch_exists', detail }] : [];
}

function hashesOf({ distinct_passwords: distinct = 1 }: CreationConfig, count: number): number {
  return distinct === 'all' ? count : Math.min(distinct, count);
}

const names = ({ username_pattern }: CreationConfig, count: number): string[] =>
  Array.from({ length: count }, (_, index) => expand(username_pattern, index + 1));

/** Looks for the names and addresses of so many users, or for those of a sample evenly spread over them. */
async function lookForNames({ applicationDb, users }: ValidateDeps, config: CreationConfig, count: number) {
  const size = Math.min(count, looked);
  const ids = Array.from({ length: size }, (_, index) => 1 + Math.floor((index * count) / size));
  const wanted = ids.map(id => {
    const username = expand(config.username_pattern, id);
    return { username, email: addressOf(config, username) };
  });
  const found = await countTaken(applicationDb, users, wanted);
  return { looked: size, ...found };
}

const rounded = (seconds: number) => Math.round(seconds * 1000) / 1000;
