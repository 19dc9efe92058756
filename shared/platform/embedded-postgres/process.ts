import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { AppError, isAppError } from '../../kernel/errors.ts';
import { sleep } from '../../kernel/time.ts';
import type { Account } from './account.ts';
import { readPostmaster, writeOwner } from './lock.ts';

/** How long a start may take: replaying the log after a crash is the slow case (pg_ctl waits as long). */
const startTimeoutMs = 60_000;

export interface ServerProgram {
  postgres: string;
  dataDir: string;
  /** Where the data of `dataDir` really is. */
  place: string;
  port: number;
  account: Account | undefined;
  settings: Record<string, string>;
  onLog: (line: string) => void;
}

export interface ServerProcess {
  readonly pid: number;
  /** Settles when the server and all its backends are gone. */
  readonly ended: Promise<void>;
  signal(signal: NodeJS.Signals): void;
}

/** Runs the server and resolves when it accepts connections; rejects with what it said when it ends before. */
export async function launch(program: ServerProgram): Promise<ServerProcess> {
  const child = spawn(program.postgres, serverArguments(program), {
    ...program.account,
    cwd: '/',
    env: { LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true, // Ctrl-C is for us: the server stops after everything that uses it
  });
  if (child.pid !== undefined) writeOwner(program.dataDir, child.pid);
  const said = listen(child, program.onLog);
  const ended = new Promise<void>(resolve => child.once('close', () => resolve())); // 'close': backends hold the pipe
  const failed = new Promise<Error>(resolve => child.once('error', resolve));
  const error = await Promise.race([
    failed,
    ended.then(() => startFailure(program, said)),
    whenReady(child, program),
  ]);
  if (error !== undefined) throw error;
  return { pid: child.pid ?? 0, ended, signal: signal => void child.kill(signal) };
}

function serverArguments({ place, port, settings }: ServerProgram): string[] {
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    log_line_prefix: '',
    ...settings,
  };
  return ['-D', place, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/** Passes the server's log on, and keeps its last lines for the error of a failed start. */
function listen(child: ChildProcess, onLog: (line: string) => void): string[] {
  const last: string[] = [];
  if (child.stderr === null) return last;
  createInterface({ input: child.stderr }).on('line', line => {
    last.push(line);
    if (last.length > 20) last.shift();
    onLog(line);
  });
  return last;
}

/** Resolves with nothing when ready, with an error when time is up: `postmaster.pid` tells, as it tells pg_ctl. */
async function whenReady(child: ChildProcess, { place }: ServerProgram): Promise<Error | undefined> {
  const deadline = performance.now() + startTimeoutMs;
  while (child.exitCode === null && child.signalCode === null) {
    const found = await readPostmaster(place);
    if (found?.pid === child.pid && found?.status === 'ready') return undefined;
    if (performance.now() > deadline) {
      child.kill('SIGQUIT');
      return new AppError(
        'dependency_unavailable',
        `PostgreSQL was not ready after ${startTimeoutMs / 1000} s`,
      );
    }
    await sleep(20);
  }
  return new Promise(() => {}); // it ended: the other side of the race knows why
}

function startFailure({ port, place }: ServerProgram, said: string[]): AppError {
  const text = said.join('\n');
  if (text.includes('Address already in use')) return portTaken(port);
  if (/lock file "postmaster\.pid" already exists|shared memory block/.test(text)) {
    return new AppError('conflict', `Another PostgreSQL server is starting or stopping on ${place}`, {
      hint: 'Wait until it is gone, then start again.',
    });
  }
  return new AppError('dependency_unavailable', `PostgreSQL ended while starting:\n${text}`, {
    hint: 'Its messages say why. Set DATABASE_URL and APP_DATABASE_URL to use another server.',
  });
}

const portTaken = (port: number): AppError =>
  new AppError('conflict', `Port ${port}, wanted for PostgreSQL, is taken by another program`, {
    hint: 'Stop that program, or give another port.',
    details: { port },
  });

export const isPortTaken = (error: unknown): boolean =>
  isAppError(error, 'conflict') && error.details !== undefined;

/** The port if it is free, a free one for 0; rejects with a `conflict` when it is taken. */
export function freePort(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? portTaken(port) : error),
    );
    probe.listen({ port, host: '127.0.0.1' }, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : port));
    });
  });
}
