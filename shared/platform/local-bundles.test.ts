import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isAppError } from '../kernel/errors.ts';
import { localBundles } from './local-bundles.ts';

const run = promisify(execFile);
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundles-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function* bytes(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

async function textOf(source: AsyncIterable<Buffer> | undefined): Promise<string | undefined> {
  if (source === undefined) return undefined;
  let text = '';
  for await (const piece of source) text += piece.toString();
  return text;
}

async function publish(name: string, text: string): Promise<boolean> {
  const draft = await localBundles(folder).draft('job-1');
  await draft.write('part', bytes(text));
  return draft.publish(name);
}

it('shows a bundle once it is published, and not before', async () => {
  const store = localBundles(folder);
  const draft = await store.draft('job-1');
  expect(await draft.write('part', bytes('ab', 'c'))).toBe(3);
  expect([await store.names(), await store.has('one')]).toEqual([[], false]);
  expect(await draft.publish('one')).toBe(true);
  expect([await store.names(), await store.has('one')]).toEqual([['one'], true]);
  expect(await textOf(await store.read('one', 'part'))).toBe('abc');
  expect(await store.read('one', 'other')).toBeUndefined();
});

it('does not take other folders for bundles', async () => {
  await publish('one', 'x');
  for (const name of ['lost+found', 'my backup', '@eaDir', '.draft-x']) await mkdir(join(folder, name));
  expect(await localBundles(folder).names()).toEqual(['one']);
});

it('keeps the first of two bundles of one name', async () => {
  expect([await publish('one', 'first'), await publish('one', 'second')]).toEqual([true, false]);
  expect(await textOf(await localBundles(folder).read('one', 'part'))).toBe('first');
});

it('has nothing of a bundle that was removed or discarded', async () => {
  await publish('one', 'x');
  const store = localBundles(folder);
  const draft = await store.draft('job-2');
  await draft.discard();
  expect([await store.remove('one'), await store.remove('one')]).toEqual([true, false]);
  expect(await readdir(folder)).toEqual([]);
});

it('clears what an owner left of an earlier try, and what nobody came back for', async () => {
  const store = localBundles(folder);
  await store.draft('job-1');
  await store.draft('job-2');
  await mkdir(join(folder, '.draft-old-1'));
  await utimes(join(folder, '.draft-old-1'), 0, 0);
  await store.draft('job-1');
  const left = (await readdir(folder)).map(entry => entry.slice(0, '.draft-job-1'.length)).sort();
  expect(left).toEqual(['.draft-job-1', '.draft-job-2']);
});

it.each(['../x', '..', '.', '', 'a/b', '/etc', 'a\0b', '.draft-job'])('takes %j for no name', async name => {
  await expect((async () => localBundles(folder).has(name))()).rejects.toThrow('cannot be the name');
});

/** A file system of 64 KiB; not everywhere may one be mounted. */
const mountSmall = (path: string) => run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', path]);
const mayMount = await (async () => {
  const path = await mkdtemp(join(tmpdir(), 'mount-'));
  const mounted = await mountSmall(path)
    .then(() => run('umount', [path]))
    .catch(() => undefined);
  await rm(path, { recursive: true });
  return mounted !== undefined;
})();

(mayMount ? it : it.skip)('says when the disk is full, and leaves no bundle', async () => {
  const small = join(folder, 'small');
  await mkdir(small);
  await mountSmall(small);
  try {
    const store = localBundles(small);
    const draft = await store.draft('job-1');
    const write = draft.write('part', bytes(...Array.from({ length: 40 }, () => 'x'.repeat(4096))));
    const failure = await write.catch((error: unknown) => error);
    expect(isAppError(failure, 'storage_full')).toBe(true);
    await draft.discard();
    expect(await readdir(small)).toEqual([]);
    await writeFile(join(small, 'there-is-space'), 'again');
  } finally {
    await run('umount', [small]);
  }
});
