import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { validate } from 'uuid';
import { systemCodeOf } from '../../../../shared/kernel/errors.ts';
import type { ShardLease } from '../../../../shared/store/load-tests/load-shards.ts';

/**
 * How many requests an engine has sent under one lease, in a file that outlives its process. What it measures reaches Postgres
 * once a second: a worker that is killed takes the rest with it, and its target has seen requests that are in no
 * figure. What is written to a file is the kernel's at once, so that a `kill -9` loses none of these, and whoever
 * concludes the test knows how many there were.
 *
 * The folder is shared by all workers, as the snapshots' is. Where it is not, a dead worker's file is missing, and the
 * test says that this is not known.
 */
export interface SendJournal {
  /** File descriptor; it is valid in the threads of this process, too. */
  readonly fd: number;
  /** Throws what a disk on a network tells only then, such as that it is full. */
  close(): void;
}

const pathOf = (folder: string, { testId, run, shard, epoch }: ShardLease): string =>
  join(folder, testId, `${run}.${shard}.${epoch}`);

/** Throws where no file can be made. */
export function openSendJournal(folder: string, lease: ShardLease): SendJournal {
  const path = pathOf(folder, lease);
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true }); // of a database that was put back: whoever may still write to it keeps its own
  const fd = openSync(path, 'wx');
  const close = () => closeSync(fd);
  try {
    writeCount(fd, new Float64Array(1));
  } catch (error) {
    close();
    throw error;
  }
  return { fd, close };
}

/** An engine at its limit sends dozens of requests in a turn of the event loop; one that is not, one or a few. */
const writesATurn = 4;

/**
 * Gives what is to be called after each request that was sent. The first ones of a turn of the event loop are written each at
 * once, the others together at the turn's end, so that an engine at its limit does not pay for dozens of writes a turn. If
 * it is killed in the middle of one, those others are missing.
 * @param onLost called once, when the file cannot be written: nobody may then take it for the truth
 */
export function createSendCounter(fd: number, onLost: (error: unknown) => void): () => void {
  const sent = new Float64Array(1);
  let written = 0;
  let inTurn = 0;
  let isKept = true;

  function write(): void {
    if (!isKept || sent[0] === written) return;
    written = sent[0] ?? 0;
    try {
      writeCount(fd, sent);
    } catch (error) {
      isKept = false;
      invalidate(fd);
      onLost(error);
    }
  }

  function endTurn(): void {
    inTurn = 0;
    write();
  }

  return () => {
    sent[0] = (sent[0] ?? 0) + 1;
    if (inTurn++ === 0) setImmediate(endTurn);
    if (inTurn <= writesATurn) write();
  };
}

function writeCount(fd: number, count: Float64Array): void {
  writeSync(fd, count, 0, count.byteLength, 0);
}

function invalidate(fd: number): void {
  try {
    ftruncateSync(fd);
  } catch {
    // The disk that cannot be written: what is read is too little, or nothing.
  }
}

/**
 * Requests that were sent under a lease; undefined when there is no file of it here, which may be on its worker's own disk.
 * Throws when there is one that cannot be read, or that its worker could not write.
 */
export async function readSendJournal(folder: string, lease: ShardLease): Promise<number | undefined> {
  const path = pathOf(folder, lease);
  const bytes = await ifThere(readFile(path));
  if (bytes === undefined) return undefined;
  if (bytes.length !== Float64Array.BYTES_PER_ELEMENT) throw new Error(`${path} is not whole`);
  return bytes.readDoubleLE();
}

/** The ids of the tests of which there are journals. */
export async function listJournaledTests(folder: string): Promise<string[]> {
  const names = await ifThere(readdir(folder));
  return names?.filter(validate) ?? [];
}

const ifThere = <T>(reading: Promise<T>): Promise<T | undefined> =>
  reading.catch(error => {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  });

/** Nobody asks any more how many requests a test has sent. */
export const removeSendJournals = (folder: string, testId: string): Promise<void> =>
  rm(join(folder, testId), { recursive: true, force: true });
