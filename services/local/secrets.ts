import { randomBytes } from 'node:crypto';
import { chmod, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../shared/platform/config.ts';
import { newToken } from '../../shared/platform/crypto.ts';
import { apiKeyPath, readIfThere } from '../../shared/platform/local-stack.ts';

export interface Secrets {
  apiKey: string;
  encryptionKey: string;
  /** Of the role that writes to the application's test users; empty where TEST_DATA_DATABASE_URL says it. */
  testDataPassword: string;
}

/**
 * The secrets of the local stack: from the environment, else from the data folder, where they are made on
 * the first start, readable by their owner alone.
 */
export async function loadSecrets(config: Config): Promise<Secrets> {
  return {
    apiKey: config.MUSTER_API_KEY ?? (await keep(apiKeyPath(config.DATA_DIR), () => newToken('muster'))),
    encryptionKey:
      config.MUSTER_ENCRYPTION_KEY ?? (await keep(join(config.DATA_DIR, 'encryption-key'), newSecret)),
    testDataPassword:
      config.TEST_DATA_DATABASE_URL === undefined
        ? await keep(join(config.DATA_DIR, 'test-data-password'), newSecret)
        : '',
  };
}

const newSecret = () => randomBytes(32).toString('hex');

async function keep(path: string, make: () => string): Promise<string> {
  const kept = (await readIfThere(path))?.trim();
  if (kept) {
    await chmod(path, 0o600); // a copied folder may have lost it
    return kept;
  }
  const made = make();
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `${made}\n`, { mode: 0o600 });
  await rename(draft, path); // whole or not at all: half a key would be kept for ever
  return made;
}
