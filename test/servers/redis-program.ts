import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A redis-server that can be run here. */
export interface RedisProgram {
  path: string;
  /** Folders with shared libraries that the system does not have, for LD_LIBRARY_PATH; empty when it has all. */
  libraryPath: string;
}

/** The program's environment, with the unpacked libraries where there are some. */
export const redisEnvironment = ({ libraryPath }: RedisProgram): NodeJS.ProcessEnv => ({
  ...process.env,
  ...(libraryPath === '' ? {} : { LD_LIBRARY_PATH: libraryPath }),
});

/** Runs the program; rejects when it cannot be loaded. */
export async function redisVersion(program: RedisProgram): Promise<string> {
  const { stdout } = await run(program.path, ['--version'], { env: redisEnvironment(program) });
  return /v=(\S+)/.exec(stdout)?.[1] ?? stdout.trim();
}
