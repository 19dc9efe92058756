import { randomUUID } from 'node:crypto';
import { access, constants, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, systemCodeOf } from '../kernel/errors.ts';
import type { BundleDraft, BundleStore } from './bundles.ts';

/** Longer than any draft takes: what is older was left by an owner that never came back. */
const abandonedAfterMs = 24 * 3600 * 1000;
const draftPrefix = '.draft-';

/**
 * Bundles as folders: a draft is written under a hidden name, each file and the folder are synced, then it is renamed.
 * Names and parts are the caller's, who must have checked them; a last look here keeps every path inside the folder.
 */
export function localBundles(folder: string): BundleStore {
  const pathOf = (name: string) => join(folder, safe(name));

  return {
    async names() {
      const entries = await readdir(folder, { withFileTypes: true }).catch(whenMissing([]));
      return entries
        .filter(entry => entry.isDirectory() && isSafe(entry.name)) // the others are not bundles: `lost+found`
        .map(entry => entry.name)
        .sort();
    },
    has: name =>
      access(pathOf(name), constants.R_OK).then(
        () => true,
        () => false,
      ),
    async read(name, part) {
      const file = await open(join(pathOf(name), safe(part))).catch(whenMissing(undefined));
      return file?.createReadStream();
    },
    async draft(owner) {
      await mkdir(folder, { recursive: true });
      await removeLeftovers(folder, owner);
      const path = join(folder, `${draftPrefix}${safe(owner)}-${randomUUID()}`);
      await mkdir(path);
      return draftAt(folder, path);
    },
    async remove(name) {
      const doomed = join(folder, `${draftPrefix}${randomUUID()}`); // gone at once, however long its files take
      const found = await rename(pathOf(name), doomed).then(() => true, whenMissing(false));
      if (found) await rm(doomed, { recursive: true, force: true });
      return found;
    },
  };
}

function draftAt(folder: string, path: string): BundleDraft {
  return {
    async write(part, source) {
      try {
        return await writeSynced(join(path, safe(part)), source);
      } catch (error) {
        throw isFull(error) ? storageFull(folder, error) : error;
      }
    },
    async publish(name) {
      await syncFolder(path);
      const published = await rename(path, join(folder, safe(name))).then(
        () => true,
        (error: unknown) => {
          if (taken.includes(systemCodeOf(error) ?? '')) return false;
          throw error;
        },
      );
      await syncFolder(folder);
      return published;
    },
    discard: () => rm(path, { recursive: true, force: true }),
  };
}

async function writeSynced(path: string, source: AsyncIterable<Buffer>): Promise<number> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(source);
    await file.sync();
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}

async function removeLeftovers(folder: string, owner: string): Promise<void> {
  const drafts = (await readdir(folder)).filter(entry => entry.startsWith(draftPrefix));
  for (const draft of drafts) {
    const path = join(folder, draft);
    const isOwn = draft.startsWith(`${draftPrefix}${owner}-`);
    const changedMs = await stat(path).then(({ mtimeMs }) => mtimeMs, whenMissing(Number.POSITIVE_INFINITY));
    if (isOwn || Date.now() - changedMs > abandonedAfterMs) await rm(path, { recursive: true, force: true });
  }
}

const isSafe = (name: string): boolean => /^[a-z0-9][a-z0-9._-]{0,99}$/i.test(name);

/** One name, not a way through folders. */
function safe(name: string): string {
  if (isSafe(name)) return name;
  throw new AppError('validation_failed', `${JSON.stringify(name)} cannot be the name of a bundle or a part`);
}

const taken = ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'];
const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(systemCodeOf(error) ?? '');

const storageFull = (folder: string, cause: unknown): AppError =>
  new AppError('storage_full', `There is no space left in ${folder}`, {
    hint: 'Delete snapshots that nobody needs, or give the folder more space.',
    cause,
  });

/** A handler of rejections: a path that is not there gives `value`. */
const whenMissing =
  <T>(value: T) =>
  (error: unknown): T => {
    if (systemCodeOf(error) === 'ENOENT') return value;
    throw error;
  };
