import { statfs } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';

/** Percent of the memory in use: of the container's where it has a limit, otherwise of the machine's. */
export function memoryPercent(): number {
  const limit = process.constrainedMemory();
  const isLimited = limit > 0 && limit < totalmem();
  const total = isLimited ? limit : totalmem();
  const available = isLimited ? process.availableMemory() : freemem();
  return 100 * (1 - Math.min(available, total) / total);
}

/** Percent of the disk in use on which this folder is, or will be; as df counts, without what is kept for root. */
export async function diskPercent(folder: string): Promise<number> {
  const { blocks, bfree, bavail } = await statfs(folder).catch(() => statfs('.'));
  const used = blocks - bfree;
  return used + bavail === 0 ? 0 : (100 * used) / (used + bavail);
}
