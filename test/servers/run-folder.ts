import { chmod, mkdir, readdir, readFile, rm, statfs } from 'node:fs/promises';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeEmbeddedPostgres } from '../../shared/platform/embedded-postgres/data.ts';
import { clearLock, worksIn } from '../../shared/platform/embedded-postgres/lock.ts';

/**
 * One temporary folder for each run of Jest, named after its pid, with the data of its servers. A run that was killed
 * leaves both folder and servers behind; the next run finds the name of a dead process and clears up.
 */
const namePrefix = 'muster-test-run-';

/**
 * Linux's folder in memory. Each test file has databases of its own, hundreds of small files each: on ext4 a sixth of the
 * CPU time of the tests of API and store went into making and deleting them.
 */
const inMemory = '/dev/shm';
/** A run of all tests was seen to take 0.3 GiB; as much memory again must stay for its processes. */
const roomBytes = 4 * 2 ** 30;

/** Makes this run's folder, open to the account of the Postgres server, and gives its path. */
export async function createRunFolder(): Promise<string> {
  for (const parent of [inMemory, tmpdir()]) await removeAbandonedRuns(parent);
  const parent = (await hasRoomInMemory()) ? inMemory : tmpdir();
  const folder = join(parent, `${namePrefix}${process.pid}`);
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755); // whatever the umask
  return folder;
}

export async function removeRunFolder(folder: string): Promise<void> {
  await removeEmbeddedPostgres(join(folder, 'postgres'));
  await rm(folder, { recursive: true, force: true });
}

async function hasRoomInMemory(): Promise<boolean> {
  const found = await statfs(inMemory).catch(() => undefined);
  return found !== undefined && found.bavail * found.bsize >= roomBytes && freemem() >= 2 * roomBytes;
}

async function removeAbandonedRuns(parent: string): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    const pid = Number(name.startsWith(namePrefix) ? name.slice(namePrefix.length) : Number.NaN);
    if (pid > 0 && !isAlive(pid)) await removeRun(join(parent, name)).catch(() => {}); // another user's, perhaps
  }
}

async function removeRun(folder: string): Promise<void> {
  const dataDir = join(folder, 'postgres');
  await clearLock(dataDir, dataDir, () => {});
  for (const name of await readdir(folder)) await stopRedis(join(folder, name));
  await removeRunFolder(folder);
}

async function stopRedis(folder: string): Promise<void> {
  const pid = Number(await readFile(join(folder, 'redis.pid'), 'utf8').catch(() => '0'));
  if (pid > 0 && (await worksIn(pid, folder))) process.kill(pid, 'SIGKILL');
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
