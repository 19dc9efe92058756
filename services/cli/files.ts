import { open } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { messageOf } from '../../shared/kernel/errors.ts';
import { CliFailure } from './failure.ts';

/**
 * Files that a command line names: a wrong path is a fault of the command line, and is told as one, not as the failure of
 * the request that would have read or filled the file.
 */

/** @throws CliFailure `usage` when it is not there, is a folder, or may not be read */
export async function openSource(path: string): Promise<Readable> {
  const file = await open(path).catch((error: unknown) => refuse(`${path} cannot be read`, error));
  if (!(await file.stat()).isDirectory()) return file.createReadStream();
  await file.close();
  throw new CliFailure('usage', `${path} is a folder`);
}

/** @throws CliFailure `usage` when there can be no such file */
export async function openTarget(path: string, { mode }: { mode?: number } = {}): Promise<Writable> {
  const file = await open(path, 'w', mode).catch((error: unknown) =>
    refuse(`${path} cannot be written`, error),
  );
  return file.createWriteStream();
}

function refuse(what: string, cause: unknown): never {
  throw new CliFailure('usage', `${what}: ${messageOf(cause)}`, { cause });
}
