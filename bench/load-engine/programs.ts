import {
  fetchFromDebian,
  type UnpackedProgram,
  type WantedProgram,
} from '../../test/servers/debian-packages.ts';
import { programOnPath } from '../../test/servers/redis-find.ts';

/** A program from the PATH, else unpacked from the system's packages; rejects where neither works. */
export async function findProgram(wanted: WantedProgram): Promise<UnpackedProgram> {
  const path = await programOnPath(wanted.name);
  return path === undefined ? fetchFromDebian(wanted) : { path, libraryPath: '' };
}

export const environmentOf = ({ libraryPath }: UnpackedProgram): NodeJS.ProcessEnv =>
  libraryPath === '' ? process.env : { ...process.env, LD_LIBRARY_PATH: libraryPath };
