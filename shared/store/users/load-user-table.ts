import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { userMappingSchema } from '../../contracts/user-mapping.ts';
import { AppError, messageOf } from '../../kernel/errors.ts';
import { storefrontUsers, type UserTable, userTable } from './user-table.ts';

/**
 * The application's users table: as a mapping file says (YAML, of which JSON is a part), or the storefront's when there is
 * no file.
 * @throws AppError `validation_failed` with every fault of the file
 */
export async function loadUserTable(path: string | undefined): Promise<UserTable> {
  if (path === undefined) return storefrontUsers;
  const content = await readMapping(path);
  const parsed = userMappingSchema.safeParse(content);
  if (parsed.success) return userTable(parsed.data);
  const faults = parsed.error.issues.map(issue => `\n  /${issue.path.join('/')} ${issue.message}`);
  throw new AppError('validation_failed', `USER_DIRECTORY=${path} has faults:${faults.join('')}`);
}

async function readMapping(path: string): Promise<unknown> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const message = `USER_DIRECTORY=${path} cannot be read: ${messageOf(cause)}`;
    throw new AppError('validation_failed', message, { cause });
  }
}
