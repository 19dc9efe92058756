import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import getPort from 'get-port';
import type { Service } from '../../shared/kernel/lifecycle.ts';
import { type RedisProgram, redisEnvironment } from './redis-program.ts';

export interface TestRedis extends Service {
  readonly url: string;
  /** `kill -9`; with `appendonly`, what was written is there again after `restart`. */
  kill(): Promise<void>;
  /** Lets it stand still, its connections open, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Stops the server if it runs, and starts it again on the same port and data. */
  restart(): Promise<void>;
}

export interface TestRedisOptions {
  /** Keep every write in a log, as production does. */
  appendonly?: boolean;
}

/** The program that global-setup.ts found; undefined where there is none: tests with a server of their own are skipped then. */
export function redisProgram(): RedisProgram | undefined {
  const path = process.env.TEST_REDIS_PROGRAM;
  return path === undefined ? undefined : { path, libraryPath: process.env.TEST_REDIS_LIBRARY_PATH ?? '' };
}

/** A Redis of one's own, on 127.0.0.1 and a free port, with a temporary folder; undefined where there is no program. */
export async function startRedis({
  appendonly = false,
}: TestRedisOptions = {}): Promise<TestRedis | undefined> {
  const program = redisProgram();
  if (program === undefined) return undefined;
  const folder = await mkdtemp(join(process.env.TEST_RUN_FOLDER ?? tmpdir(), 'redis-'));
  const port = await getPort({ host: '127.0.0.1' });
  const start = () => launch(program, serverArguments({ folder, port, appendonly }));
  let server: ChildProcess | undefined = await start();

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = server;
    server = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = once(ending, 'exit');
    ending.kill(signal);
    await ended;
  }

  return {
    name: 'redis',
    url: `redis://127.0.0.1:${port}`,
    kill: () => end('SIGKILL'),
    freeze: () => void server?.kill('SIGSTOP'),
    thaw: () => void server?.kill('SIGCONT'),
    async restart() {
      await end('SIGTERM');
      server = await start();
    },
    async stop() {
      await end('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const serverArguments = ({
  folder,
  port,
  appendonly,
}: {
  folder: string;
  port: number;
  appendonly: boolean;
}) => [
  ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--pidfile', join(folder, 'redis.pid')],
  ...['--save', '', '--appendonly', appendonly ? 'yes' : 'no', '--maxmemory-policy', 'noeviction'],
];

/** Resolves when the server accepts connections; rejects with what it said when it ends before. */
async function launch(program: RedisProgram, args: string[]): Promise<ChildProcess> {
  const child = spawn(program.path, args, {
    env: redisEnvironment(program),
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true, // Ctrl-C is for the tests, which stop it when they are done
  });
  const said: string[] = [];
  const ready = new Promise<void>(resolve => {
    createInterface({ input: child.stdout }).on('line', line => {
      said.push(line);
      if (line.includes('Ready to accept connections')) resolve();
    });
  });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`redis-server ended while starting:\n${said.join('\n')}`);
  });
  await Promise.race([ready, ended]);
  ended.catch(() => {}); // from here on its end is expected
  return child;
}
