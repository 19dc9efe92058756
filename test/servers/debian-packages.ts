import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Gets a program out of Debian's or Ubuntu's packages without installing them, so without root: apt downloads from
 * the machine's own sources, with its lists and cache in a folder of ours (the machine's may be empty, as in
 * containers), and dpkg-deb unpacks. Libraries that the machine lacks are taken the same way, from what the packages
 * say that they depend on, one step further at a time until the program loads.
 */
export interface UnpackedProgram {
  path: string;
  /** Folders with shared libraries that the system does not have, for LD_LIBRARY_PATH; empty when it has all. */
  libraryPath: string;
}

export interface WantedProgram {
  /** Names it in the cache and in messages. */
  name: string;
  packages: string[];
  /** Where the packages put it, without the first slash. */
  path: string;
  /** Runs it; rejects when it cannot be loaded. */
  load(program: UnpackedProgram): Promise<unknown>;
}

const run = promisify(execFile);
const cacheFolder = join(import.meta.dirname, '../../node_modules/.cache/muster');
const deadlineMs = 180_000;
const maxSteps = 4;

/** The unpacked program, from the cache if it is there; rejects where that does not work, with the reason. */
export async function fetchFromDebian(wanted: WantedProgram): Promise<UnpackedProgram> {
  const folder = join(cacheFolder, `${wanted.name}-${await distribution(wanted.name)}-${process.arch}`);
  if (!(await exists(folder))) await unpackInto(folder, wanted);
  return programIn(folder, wanted);
}

async function distribution(name: string): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const value = (key: string) => new RegExp(`^${key}="?([^"\\n]*)`, 'm').exec(release)?.[1] ?? '';
  if (!`${value('ID')} ${value('ID_LIKE')}`.includes('debian')) {
    throw new Error(`there is no ${name} on the PATH, and only on Debian and its kin can one be fetched`);
  }
  return `${value('ID')}${value('VERSION_ID')}`;
}

/** Works in a draft folder and renames, so that the cache holds whole servers only. */
async function unpackInto(folder: string, wanted: WantedProgram): Promise<void> {
  await mkdir(cacheFolder, { recursive: true });
  const draft = await mkdtemp(`${folder}.`);
  try {
    const apt = await openApt(join(draft, 'apt'));
    await unpackUntilItLoads(apt, draft, wanted);
    await rm(join(draft, 'apt'), { recursive: true });
    await rename(draft, folder);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function unpackUntilItLoads(apt: Apt, root: string, wanted: WantedProgram): Promise<void> {
  const taken = new Set<string>();
  let next = wanted.packages;
  for (let step = 0; step < maxSteps; step++) {
    await apt.unpack(next, root);
    for (const name of next) taken.add(name);
    if (await loads(root, wanted)) return;
    next = (await apt.libraryDependencies(next)).filter(name => !taken.has(name));
  }
  await wanted.load(await programIn(root, wanted)); // rejects with the loader's own words
}

interface Apt {
  unpack(packages: string[], root: string): Promise<void>;
  libraryDependencies(packages: string[]): Promise<string[]>;
}

/** An apt with state of its own in `folder`, its lists fresh. */
async function openApt(folder: string): Promise<Apt> {
  const downloads = join(folder, 'downloads');
  for (const path of ['lists/partial', 'cache/archives/partial', 'downloads']) {
    await mkdir(join(folder, path), { recursive: true });
  }
  const options = aptOptions(folder);
  const apt = (program: string, args: string[]) =>
    run(program, [...options, ...args], { cwd: downloads, timeout: deadlineMs, maxBuffer: 64 * 1024 * 1024 });
  await apt('apt-get', ['update']).catch(() => {}); // one dead source of several is no reason to give up

  return {
    async unpack(packages, root) {
      await apt('apt-get', ['download', ...packages]);
      for (const name of await readdir(downloads)) {
        await run('dpkg-deb', ['--extract', join(downloads, name), root]);
        await rm(join(downloads, name));
      }
    },
    async libraryDependencies(packages) {
      const { stdout } = await apt('apt-cache', ['depends', '--no-recommends', '--no-suggests', ...packages]);
      const names = [...stdout.matchAll(/^[ |]*(?:Pre)?Depends: ((?:lib|lua)\S+)$/gm)].map(
        match => match[1] ?? '',
      );
      return [...new Set(names)].filter(name => !/^libc6|^libc-bin/.test(name)); // the C library must be the system's
    },
  };
}

const aptOptions = (folder: string): string[] =>
  [
    `Dir::State=${folder}`,
    `Dir::State::Lists=${join(folder, 'lists')}`,
    'Dir::State::status=/var/lib/dpkg/status',
    `Dir::Cache=${join(folder, 'cache')}`,
    'APT::Sandbox::User=root', // apt's own user cannot write here
    'Debug::NoLocking=true',
    'Acquire::Languages=none',
    'Acquire::Retries=2',
    'Acquire::http::Timeout=20',
    'Acquire::https::Timeout=20',
  ].flatMap(option => ['-o', option]);

async function loads(root: string, wanted: WantedProgram): Promise<boolean> {
  return wanted.load(await programIn(root, wanted)).then(
    () => true,
    () => false,
  );
}

async function programIn(root: string, { path }: WantedProgram): Promise<UnpackedProgram> {
  const folders: string[] = [];
  for (const parent of ['lib', 'usr/lib']) {
    const names = await readdir(join(root, parent)).catch(() => []);
    folders.push(...names.filter(name => name.includes('-linux-gnu')).map(name => join(root, parent, name)));
  }
  return { path: join(root, path), libraryPath: folders.join(':') };
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
