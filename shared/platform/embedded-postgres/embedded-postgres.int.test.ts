import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, cp, lstat, mkdtemp, readlink, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import postgres from 'postgres';
import { serverAccount } from './account.ts';
import { installedBinaries, reachableBinaries } from './binaries.ts';
import { removeEmbeddedPostgres } from './data.ts';
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from './embedded-postgres.ts';

const asRoot = process.getuid?.() === 0;
const quick = { settings: { fsync: 'off' } };

let folder: string;
let dataDir: string;
const servers: EmbeddedPostgres[] = [];

async function start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, ...quick, ...options });
  servers.push(server);
  return server;
}

async function query<T extends object>(server: EmbeddedPostgres, text: string): Promise<T[]> {
  const sql = postgres(server.url(), { max: 1, onnotice: () => {} });
  try {
    return await sql.unsafe<T[]>(text);
  } finally {
    await sql.end();
  }
}

async function newFolder(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'muster-embedded-')); // mode 0700: for root, the hard case
  dataDir = join(folder, 'postgres');
}

async function removeFolder(): Promise<void> {
  await removeEmbeddedPostgres(dataDir);
  await rm(folder, { recursive: true });
}

const stopServers = () => Promise.all(servers.splice(0).map(server => server.stop()));

/** For a `describe`: each of its tests makes data of its own. */
function onNewData(): void {
  beforeEach(newFolder);
  afterEach(async () => {
    await stopServers();
    await removeFolder();
  });
}

/** For a `describe` whose tests need data, but not new one: making it is most of the work of a first start. */
function onMadeData(): void {
  beforeAll(async () => {
    await newFolder();
    await start();
    await stopServers();
  });
  afterEach(stopServers);
  afterAll(removeFolder);
}

describe('a first start', () => {
  onNewData();

  test('makes a UTF-8 cluster that wants a password and keeps it in a file for us alone', async () => {
    const server = await start();
    const [row] = await query<{ encoding: string; method: string }>(
      server,
      `select pg_encoding_to_char(encoding) as encoding, current_setting('password_encryption') as method
       from pg_database where datname = 'postgres'`,
    );
    expect(row).toEqual({ encoding: 'UTF8', method: 'scram-sha-256' });
    expect((await lstat(`${dataDir}.password`)).mode & 0o777).toBe(0o600);

    const stranger = postgres(server.url(), { max: 1, password: 'wrong' });
    await expect(stranger`select 1`).rejects.toMatchObject({ code: '28P01' });
    await stranger.end();
  });

  test('at the same moment as another: one wins, the other is refused', async () => {
    const outcomes = await Promise.allSettled([start(), start()]);
    const refused = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(refused).toEqual([expect.objectContaining({ code: 'conflict' })]);
  });

  test('with another password than the data has is refused', async () => {
    await (await start({ password: 'first' })).stop();
    await expect(start({ password: 'second' })).rejects.toMatchObject({ code: 'conflict' });
  });

  test('on data whose password file is gone says what is missing', async () => {
    await (await start()).stop();
    await rm(`${dataDir}.password`);
    await expect(start()).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(`${dataDir}.password`),
    });
  });
});

describe('a start on data', () => {
  onMadeData();

  test('on the data of an earlier start finds it, at a new port', async () => {
    const first = await start();
    await query(first, 'drop table if exists kept; create table kept as select 42 as answer');
    await first.stop();
    expect(await query(await start(), 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  test('that finds the port taken says so', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    if (port === undefined) throw new Error('no port');
    await expect(start({ port })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(`Port ${port}`),
    });
    other.close();
    await once(other, 'close');
  });

  test('that PostgreSQL refuses gives its reason', async () => {
    const refused = start({ settings: { max_connections: 'many' } });
    await expect(refused).rejects.toMatchObject({
      code: 'dependency_unavailable',
      message: expect.stringContaining('max_connections'),
    });
  });
});

describe('a second start on the same data', () => {
  onMadeData();

  test('is refused while the first runs, and names its process', async () => {
    const first = await start();
    await expect(start()).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(`pid ${first.pid}`),
      hint: expect.stringContaining('kill'),
    });
    expect(await query(first, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('goes on from the lock of a server that was killed', async () => {
    const first = await start();
    await query(first, 'drop table if exists kept; create table kept as select 42 as answer');
    await first.kill();
    const log: string[] = [];
    const second = await start({ onLog: line => log.push(line) });
    expect(await query(second, 'select answer from kept')).toEqual([{ answer: 42 }]);
    expect(log).toContainEqual(expect.stringContaining('Removed the lock'));
  });

  test('goes on from a lock whose process number went to another program', async () => {
    const first = await start();
    await first.stop();
    const place = await readlink(dataDir).catch(() => dataDir);
    await writeFile(join(place, 'postmaster.pid'), `${process.pid}\n${place}\n0\n5432\n\n*\n0\nready\n`);
    expect(await query(await start(), 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('stops a server whose starter was killed with -9, and takes its place', async () => {
    const { starter, serverPid } = await startInAnotherProcess();
    starter.kill('SIGKILL');
    await once(starter, 'exit');
    const log: string[] = [];
    const server = await start({ onLog: line => log.push(line) });
    expect(log).toContainEqual(expect.stringContaining(`(pid ${serverPid}) that a killed process had left`));
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});

describe('a running server', () => {
  onMadeData();

  test('comes back on the same port after a restart and after a kill, with its data', async () => {
    const server = await start();
    const { port, pid } = server;
    await query(server, 'drop table if exists kept; create table kept as select 42 as answer');
    await server.restart();
    await server.kill();
    expect(server.pid).toBe(0);
    await server.restart();
    expect(server.port).toBe(port);
    expect(server.pid).not.toBe(pid);
    expect(await query(server, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  test('that ends by itself is reported, one that is stopped is not', async () => {
    const crash = Promise.withResolvers<void>();
    const server = await start({ onCrash: crash.resolve });
    process.kill(server.pid, 'SIGINT');
    await crash.promise;
    expect(server.pid).toBe(0);

    let reports = 0;
    await (await start({ onCrash: () => reports++ })).stop();
    expect(reports).toBe(0);
  });
});

(asRoot ? describe : describe.skip)('as root, in a folder that only root may enter', () => {
  onNewData();

  test('the data goes to a shared folder, with a link and a line that says so', async () => {
    const log: string[] = [];
    await start({ onLog: line => log.push(line) });
    const place = await readlink(dataDir);
    expect((await lstat(place)).uid).toBe((await serverAccount('/nowhere'))?.uid);
    expect(log[0]).toContain(place);
  });

  test('the programs are copied once to a shared folder', async () => {
    const hidden = join(folder, 'native');
    await cp(installedBinaries(), hidden, { recursive: true, verbatimSymlinks: true });
    await appendFile(join(hidden, 'bin/postgres'), ' '); // other content, so a copy of its own
    await chmod(hidden, 0o700);
    const account = await serverAccount(dataDir);
    const log: string[] = [];
    const copies = await Promise.all(
      [0, 1].map(() => reachableBinaries(hidden, account, line => log.push(line))),
    );
    const staged = dirname(dirname(copies[0]?.postgres ?? ''));
    try {
      expect(copies[1]).toEqual(copies[0]);
      expect(staged).toMatch(/^\/var\/tmp\/muster-postgres-/);
      expect(await reachableBinaries(staged, account, () => {})).toEqual(copies[0]);
    } finally {
      await rm(staged, { recursive: true });
    }
  });
});

/** A process of its own that starts a server on the data and holds it. */
async function startInAnotherProcess(): Promise<{ starter: ChildProcess; serverPid: number }> {
  const script = `
    import { startEmbeddedPostgres } from ${JSON.stringify(join(import.meta.dirname, 'embedded-postgres.ts'))};
    const server = await startEmbeddedPostgres(${JSON.stringify({ dataDir, ...quick })});
    console.log(server.pid);`;
  const starter = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface({ input: starter.stdout }), 'line');
  return { starter, serverPid: Number(line) };
}
