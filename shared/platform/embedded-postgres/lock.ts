import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { readFile, readlink, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '../../kernel/errors.ts';
import { waitFor } from '../../kernel/time.ts';

const run = promisify(execFile);

/** What a running server says of itself in `postmaster.pid` (lines 1, 4 and 8). */
export interface Postmaster {
  pid: number;
  port: number;
  status: string;
}

export async function readPostmaster(place: string): Promise<Postmaster | undefined> {
  const text = await readFile(join(place, 'postmaster.pid'), 'utf8').catch(() => undefined);
  const lines = text?.split('\n').map(line => line.trim());
  const pid = Number(lines?.[0]);
  return lines && pid > 0 ? { pid, port: Number(lines[3]), status: lines[7] ?? '' } : undefined;
}

/** Beside the data: who started the server, and its pid. Written at once, so that a kill finds no gap. */
const ownerFile = (dataDir: string): string => `${dataDir}.owner`;

export const writeOwner = (dataDir: string, serverPid: number): void =>
  writeFileSync(ownerFile(dataDir), `${process.pid} ${serverPid}\n`);

/**
 * Clears the way to the data. Four states, by `postmaster.pid` and the process that it names:
 * - no file: nothing to do;
 * - the process is gone, or the number went to another program: the server was killed, the file is removed;
 * - the server runs and its parent is the process that started it: somebody uses the data, a `conflict`;
 * - the server runs and its parent is not: the parent was killed (kill -9), so the server is stopped.
 * A server that Muster did not start (no owner file) is left alone: a `conflict` too.
 */
export async function clearLock(
  dataDir: string,
  place: string,
  onLog: (line: string) => void,
): Promise<void> {
  const found = await readPostmaster(place);
  if (found === undefined) return;
  if (!(await worksIn(found.pid, place))) {
    await rm(join(place, 'postmaster.pid'), { force: true });
    onLog(`Removed the lock of a PostgreSQL server (pid ${found.pid}) that ended without a shutdown`);
    return;
  }
  if (!(await isOrphan(found.pid, dataDir))) throw inUse(dataDir, found);
  process.kill(found.pid, 'SIGINT');
  await waitFor(`PostgreSQL (pid ${found.pid}) to stop`, async () => !(await worksIn(found.pid, place)), {
    timeoutMs: 30_000,
  });
  onLog(`Stopped the PostgreSQL server (pid ${found.pid}) that a killed process had left running`);
}

const inUse = (dataDir: string, { pid, port }: Postmaster): AppError =>
  new AppError('conflict', `A PostgreSQL server (pid ${pid}, port ${port}) already runs on ${dataDir}`, {
    hint: `Stop the other Muster first, or, if there is none, the server: kill -INT ${pid}`,
  });

/** A killed parent is replaced by another one (init, a session's reaper), which the owner file does not name. */
async function isOrphan(pid: number, dataDir: string): Promise<boolean> {
  const [owner, server] = (await readFile(ownerFile(dataDir), 'utf8').catch(() => '')).split(' ').map(Number);
  return server === pid && (await parentOf(pid)) !== owner;
}

async function parentOf(pid: number): Promise<number> {
  if (process.platform !== 'linux') return Number((await run('ps', ['-o', 'ppid=', '-p', `${pid}`])).stdout);
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]); // the name, in brackets, may hold spaces
}

/** Whether the process is a server on this data: a server's working folder is its data. */
export async function worksIn(pid: number, place: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  if (process.platform === 'linux') {
    const folder = await readlink(`/proc/${pid}/cwd`).catch((error: NodeJS.ErrnoException) => error.code);
    return folder === (await realpath(place)) || folder === 'EACCES'; // another user's: not ours to judge
  }
  const command = await run('ps', ['-o', 'command=', '-p', `${pid}`]).catch(() => ({ stdout: '' }));
  return command.stdout.includes(place);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
