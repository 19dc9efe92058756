import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { messageOf } from '../../shared/kernel/errors.ts';
import { fetchDebianRedis } from './redis-debian.ts';
import { type RedisProgram, redisVersion } from './redis-program.ts';

export type FoundRedis = RedisProgram & { description: string };

/**
 * The redis-server on the PATH, else one from the system's packages, unpacked into a folder of ours: nothing is
 * installed. Gives the reason when there is neither.
 */
export async function findRedisProgram(): Promise<FoundRedis | { missing: string }> {
  try {
    const onPath = await programOnPath('redis-server');
    const program = onPath === undefined ? await fetchDebianRedis() : { path: onPath, libraryPath: '' };
    const origin = onPath === undefined ? "unpacked from the system's packages" : 'from the PATH';
    return {
      ...program,
      description: `redis-server ${await redisVersion(program)} ${origin} (${program.path})`,
    };
  } catch (error) {
    return { missing: messageOf(error) };
  }
}

export async function programOnPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const path = join(folder, name);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}
