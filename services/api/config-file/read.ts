import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { faultsOf } from '../../../shared/http/faults.ts';
import { AppError, type Fault, messageOf } from '../../../shared/kernel/errors.ts';
import type { Ceilings } from '../settings-in-force.ts';
import { type ConfigFile, configFileSchema } from './schema.ts';

/**
 * Reads a config file: YAML where its name ends in .yaml or .yml, otherwise JSON.
 * @throws AppError `validation_failed` with every fault and its path, when it is not there or not right
 */
export async function readConfigFile(path: string, ceilings: Ceilings): Promise<ConfigFile> {
  const content = await parsed(path);
  const result = configFileSchema.safeParse(content);
  if (!result.success) throw faulty(path, faultsOf(result.error, content));
  const { maxBulkUsers = Number.POSITIVE_INFINITY } = ceilings;
  if ((result.data.bulk_user_management.max_bulk_users ?? 0) > maxBulkUsers) {
    const detail = `must be at most ${maxBulkUsers}: MAX_BULK_USERS of the environment`;
    throw faulty(path, [{ pointer: '/bulk_user_management/max_bulk_users', code: 'limit_exceeded', detail }]);
  }
  return result.data;
}

async function parsed(path: string): Promise<unknown> {
  try {
    const text = await readFile(path, 'utf8');
    return /\.ya?ml$/i.test(path) ? parse(text) : JSON.parse(text);
  } catch (cause) {
    throw new AppError('validation_failed', `MUSTER_CONFIG=${path} cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function faulty(path: string, faults: Fault[]): AppError {
  const lines = faults.map(({ pointer, detail }) => `\n  ${pointer || 'the file'} ${detail}`);
  return new AppError('validation_failed', `MUSTER_CONFIG=${path} has faults:${lines.join('')}`, { faults });
}
