import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, systemCodeOf } from '../../shared/kernel/errors.ts';
import { readIfThere, readStackFile } from '../../shared/platform/local-stack.ts';

/**
 * One stack a data folder. The lock names its holder by pid and by the moment that process started, since
 * in containers pids repeat from one start to the next. A holder that is gone left a stale lock, which the
 * next start takes over. The file is created whole (`link`) and taken away whole (`rename`), so that of two
 * starts at the same moment exactly one wins.
 */
const holder = z.object({ pid: z.number().int(), started: z.string() });
type Holder = z.infer<typeof holder>;

export interface DataFolderLock {
  /** The pid of a dead stack whose lock was taken over. */
  tookOverFrom: number | undefined;
  release(): Promise<void>;
}

/** Locks `dataDir`; `conflict`, with the pid and URL of the running stack, when it is in use. */
export async function lockDataFolder(dataDir: string): Promise<DataFolderLock> {
  const path = join(dataDir, 'stack.lock');
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, JSON.stringify({ pid: process.pid, started: await startOf(process.pid) }));
  try {
    const tookOverFrom = await take(path, draft, dataDir);
    return { tookOverFrom, release: () => rm(path, { force: true }) };
  } finally {
    await rm(draft, { force: true });
  }
}

async function take(path: string, draft: string, dataDir: string): Promise<number | undefined> {
  let tookOverFrom: number | undefined;
  while (!(await linked(draft, path))) {
    const found = await readHolder(path);
    if (found !== undefined && (await isAlive(found))) throw await inUse(found, dataDir);
    await discard(path, found, `${draft}.stale`);
    tookOverFrom = found?.pid;
  }
  return tookOverFrom;
}

/** Moves the stale lock aside; puts it back when another start had already replaced it. */
async function discard(path: string, stale: Holder | undefined, aside: string): Promise<void> {
  const moved = await rename(path, aside).then(
    () => true,
    () => false,
  );
  if (!moved) return;
  const taken = await readHolder(aside);
  if (taken?.pid !== stale?.pid || taken?.started !== stale?.started) await linked(aside, path);
  await rm(aside, { force: true });
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await readIfThere(path);
  try {
    return holder.safeParse(JSON.parse(text ?? '')).data;
  } catch {
    return undefined; // not ours, or half a file from a full disk: nobody holds it
  }
}

async function isAlive({ pid, started }: Holder): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return systemCodeOf(error) === 'EPERM';
  }
  return (await startOf(pid)) === started;
}

/** When a process started, in clock ticks since boot; empty where the system does not tell, and pids alone decide. */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return afterName[19] ?? ''; // field 22 of proc(5); the name in field 2 may hold spaces
  } catch {
    return '';
  }
}

async function inUse({ pid }: Holder, dataDir: string): Promise<AppError> {
  const stack = await readStackFile(dataDir);
  const where = stack?.pid === pid ? ` at ${stack.api_url}` : ' and is starting';
  return new AppError('conflict', `Muster already runs on ${dataDir} (pid ${pid})${where}`, {
    hint: `Stop it with Ctrl-C or: kill ${pid}. For a second one: DATA_DIR=.muster-2 PORT=0 STOREFRONT_PORT=0 npm start.`,
  });
}
