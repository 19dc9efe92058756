import { resolve } from 'node:path';
import { serverAccount } from './account.ts';
import { installedBinaries, reachableBinaries } from './binaries.ts';
import { ensureCluster, placeData, serverPassword, superuser } from './data.ts';
import { clearLock } from './lock.ts';
import { freePort, isPortTaken, launch, type ServerProcess } from './process.ts';

/** A shutdown that takes longer is cut short (SIGQUIT); the log is replayed by the next start. */
const shutdownTimeoutMs = 20_000;

/**
 * A PostgreSQL server of our own, for machines that have none: the npm package's programs on a folder of ours.
 * It listens on 127.0.0.1 only. States: stopped -> running (`start`, `restart`) -> stopped (`stop`, `kill`).
 * It works as root too, by lending the server an unprivileged account (embedded-postgres-account.ts); what a
 * killed predecessor left on the data is cleared first (embedded-postgres-lock.ts).
 */
export interface EmbeddedPostgres {
  readonly name: string;
  readonly port: number;
  /** The server's process id; 0 while it is stopped. */
  readonly pid: number;
  /** The address of a database of this server, password included. */
  url(database?: string): string;
  /** Fast shutdown: open connections are closed, the data is clean. */
  stop(): Promise<void>;
  /** `kill -9`, as a crash would do: for tests. */
  kill(): Promise<void>;
  /** Stops the server if it runs, and starts it on the same data and port. */
  restart(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** The data; made by the first start. Its password and its owner's pid are kept in files beside it. */
  dataDir: string;
  /** A fixed port; any free one when absent. */
  port?: number;
  /** The superuser's password, for the first start; a random one when absent. */
  password?: string;
  /** Settings of postgresql.conf. */
  settings?: Record<string, string>;
  /** Lines of the server's log, and what was done to make it run. */
  onLog?: (line: string) => void;
  /** Called when the server ends without having been told to. */
  onCrash?: () => void;
}

/** @throws AppError `conflict` (data in use, port taken) or `dependency_unavailable`, with what to do */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { onLog = () => {}, settings = {} } = options;
  const dataDir = resolve(options.dataDir);
  const account = await serverAccount(dataDir);
  const binaries = await reachableBinaries(installedBinaries(), account, onLog);
  const place = await placeData(dataDir, account, onLog);
  await clearLock(dataDir, place, onLog);
  const password = await serverPassword(dataDir, place, options.password);
  await ensureCluster(place, binaries, password, { account, sync: settings.fsync !== 'off' });
  const start = async (port: number) =>
    launch({ postgres: binaries.postgres, dataDir, place, port, account, settings, onLog });
  const port = options.port === undefined ? undefined : await freePort(options.port);
  const server = port === undefined ? await startOnFreePort(start) : { port, process: await start(port) };
  return controls(server, start, { password, onCrash: options.onCrash ?? (() => {}) });
}

type Start = (port: number) => Promise<ServerProcess>;

/** A port that was free a moment ago may be taken now, by a connection that goes out from it: then another one. */
async function startOnFreePort(start: Start, tries = 3): Promise<{ port: number; process: ServerProcess }> {
  const port = await freePort(0);
  try {
    return { port, process: await start(port) };
  } catch (error) {
    if (tries > 1 && isPortTaken(error)) return startOnFreePort(start, tries - 1);
    throw error;
  }
}

function controls(
  { port, process: first }: { port: number; process: ServerProcess },
  start: Start,
  { password, onCrash }: { password: string; onCrash: () => void },
): EmbeddedPostgres {
  let running: ServerProcess | undefined;
  watch(first);

  function watch(server: ServerProcess): void {
    running = server;
    void server.ended.then(() => {
      if (running !== server) return;
      running = undefined;
      onCrash();
    });
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const server = running;
    running = undefined;
    if (server === undefined) return;
    server.signal(signal);
    const patience = setTimeout(() => server.signal('SIGQUIT'), shutdownTimeoutMs);
    await server.ended;
    clearTimeout(patience);
  }

  return {
    name: 'embedded-postgres',
    port,
    get pid() {
      return running?.pid ?? 0;
    },
    url: (database = 'postgres') => `postgres://${superuser}:${password}@127.0.0.1:${port}/${database}`,
    stop: () => end('SIGINT'),
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGINT');
      watch(await start(port));
    },
  };
}
