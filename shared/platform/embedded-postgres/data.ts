import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { AppError, messageOf } from '../../kernel/errors.ts';
import { type Account, succeeds } from './account.ts';
import { type Binaries, sharedFolder } from './binaries.ts';

const run = promisify(execFile);

/** The superuser of the embedded server. */
export const superuser = 'postgres';

/**
 * The folder that holds the data of `dataDir`: the same one, or, where the server's account cannot enter the
 * parent, one in the shared folder to which `dataDir` becomes a link.
 */
export async function placeData(
  dataDir: string,
  account: Account | undefined,
  onLog: (line: string) => void,
): Promise<string> {
  const found = await lstat(dataDir).catch(() => undefined);
  if (found?.isSymbolicLink()) return resolve(dirname(dataDir), await readlink(dataDir));
  const parent = dirname(dataDir);
  await mkdir(parent, { recursive: true });
  if (account === undefined || (await succeeds('/bin/sh', ['-c', 'cd "$1"', 'sh', parent], account)))
    return dataDir;
  if (found !== undefined) {
    throw new AppError('conflict', `The server's account (uid ${account.uid}) cannot enter ${parent}`, {
      hint: `Run as the user that made ${dataDir}, or remove it to begin with empty databases.`,
    });
  }
  const place = await mkdtemp(join(sharedFolder, 'muster-data-'));
  if (!(await created(symlink(place, dataDir)))) {
    await rm(place, { recursive: true });
    return placeData(dataDir, account, onLog); // another first start was quicker
  }
  onLog(`The data is in ${place}, with a link at ${dataDir}: the server's account cannot enter ${parent}`);
  return place;
}

/** Whether an attempt to make something new did; false when it was there. */
async function created(attempt: Promise<void>): Promise<boolean> {
  return attempt.then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
}

/** Removes what a stopped server left: data, link, password. For temporary stacks and tests. */
export async function removeEmbeddedPostgres(dataDir: string): Promise<void> {
  const wanted = resolve(dataDir);
  const place = await readlink(wanted).catch(() => undefined);
  for (const path of [place, wanted, passwordFile(wanted), `${wanted}.owner`]) {
    if (path !== undefined) await rm(path, { recursive: true, force: true });
  }
}

const passwordFile = (dataDir: string): string => `${dataDir}.password`;

/**
 * The superuser's password, kept beside the data with mode 600. The first start writes it (the given one, or a
 * random one) before the data exists, so that two first starts at once agree.
 */
export async function serverPassword(dataDir: string, place: string, given?: string): Promise<string> {
  const file = passwordFile(dataDir);
  if (!(await isCluster(place))) {
    const password = given ?? randomBytes(24).toString('base64url');
    await created(writeFile(file, password, { mode: 0o600, flag: 'wx' }));
  }
  const password = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (password === '') {
    throw new AppError('conflict', `${file}, the password of the data in ${dataDir}, is missing`, {
      hint: 'Put the file back, or remove the data to begin with empty databases.',
    });
  }
  if (given === undefined || given === password) return password;
  throw new AppError('conflict', `${file} holds another password than the one given`, {
    hint: 'The password is set by the first start: leave it out, or remove data and password to begin anew.',
  });
}

/**
 * Makes the database cluster if `place` has none: in a folder beside it, which then gets its name, so that a
 * crash half way leaves nothing that looks like data. UTF-8 with PostgreSQL's own C.UTF-8, which sorts alike
 * on every machine.
 */
export async function ensureCluster(
  place: string,
  binaries: Binaries,
  password: string,
  { account, sync }: { account: Account | undefined; sync: boolean },
): Promise<void> {
  if (await isCluster(place)) return;
  const draft = await mkdtemp(`${place}.new-`);
  try {
    await writeFile(join(draft, 'password'), password, { mode: 0o600 });
    if (account)
      await Promise.all([draft, join(draft, 'password')].map(path => chown(path, account.uid, account.gid)));
    await run(binaries.initdb, initdbArguments(draft, sync), { ...account, cwd: draft });
    await rename(join(draft, 'data'), place);
  } catch (error) {
    if (await isCluster(place)) return; // another first start was quicker
    throw new AppError(
      'dependency_unavailable',
      `PostgreSQL could not set up ${place}: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

const initdbArguments = (draft: string, sync: boolean): string[] => [
  ...['--pgdata', join(draft, 'data'), '--username', superuser, '--pwfile', join(draft, 'password')],
  ...['--encoding', 'UTF8', '--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
  ...['--auth', 'scram-sha-256', '--no-instructions', ...(sync ? [] : ['--no-sync'])],
];

async function isCluster(place: string): Promise<boolean> {
  return readFile(join(place, 'PG_VERSION'), 'utf8').then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw new AppError('conflict', `${place} belongs to another user, who can start it`, { cause: error });
    },
  );
}
