import { readFile } from 'node:fs/promises';
import { checkInput } from '../../../shared/http/check-input.ts';
import { AppError, type Fault, messageOf } from '../../../shared/kernel/errors.ts';
import { parseFieldAsWritten } from '../../../shared/kernel/json-as-written.ts';
import type { Ceilings } from '../settings-in-force.ts';
import { type ConfigFile, configFileSchema } from './schema.ts';
import { parseYamlFieldAsWritten } from './yaml-as-written.ts';

/** Its numbers go to users as they are written. */
const exactField = 'custom_attributes';

/**
 * Reads a config file: YAML where its name ends in .yaml or .yml, otherwise JSON.
 * @throws AppError `validation_failed` with every fault and its path, when it is not there or not right
 */
export async function readConfigFile(path: string, ceilings: Ceilings): Promise<ConfigFile> {
  const content = await parsed(path);
  const { value, faults } = checkInput(configFileSchema, content);
  if (value === undefined) throw faulty(path, faults);
  const { maxBulkUsers = Number.POSITIVE_INFINITY } = ceilings;
  if ((value.bulk_user_management.max_bulk_users ?? 0) > maxBulkUsers) {
    const detail = `must be at most ${maxBulkUsers}: MAX_BULK_USERS of the environment`;
    throw faulty(path, [{ pointer: '/bulk_user_management/max_bulk_users', code: 'limit_exceeded', detail }]);
  }
  return value;
}

async function parsed(path: string): Promise<unknown> {
  try {
    const text = await readFile(path, 'utf8');
    const parse = /\.ya?ml$/i.test(path) ? parseYamlFieldAsWritten : parseFieldAsWritten;
    return parse(text, exactField);
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
