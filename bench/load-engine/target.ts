import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import getPort from 'get-port';
import { waitFor } from '../../shared/kernel/time.ts';
import type { UnpackedProgram } from '../../test/servers/debian-packages.ts';
import { environmentOf, findProgram } from './programs.ts';

/** A server faster than any generator here, which counts the requests that it answers. */
export interface BenchTarget {
  origin: string;
  description: string;
  /** For CPU time. */
  pids: number[];
  requests(): Promise<number>;
  stop(): Promise<void>;
}

const run = promisify(execFile);

/** nginx from the PATH, else unpacked from the system's packages. */
export async function startNginx(): Promise<BenchTarget> {
  const program = await findProgram({
    name: 'nginx',
    packages: ['nginx'],
    path: 'usr/sbin/nginx',
    load: versionOf,
  });
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-nginx-'));
  await mkdir(join(folder, 'logs'));
  const port = await getPort();
  await writeFile(join(folder, 'nginx.conf'), configuration(port));
  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')];
  const child = spawn(program.path, args, { env: environmentOf(program), stdio: 'ignore' });
  const origin = `http://127.0.0.1:${port}`;
  await waitFor('nginx to answer', () =>
    fetch(origin).then(
      () => true,
      () => child.exitCode !== null,
    ),
  );
  if (child.exitCode !== null)
    throw new Error(`nginx ended with code ${child.exitCode}: see ${folder}/error.log`);
  return {
    origin,
    description: `${await versionOf(program)}, one worker`,
    pids: [child.pid ?? 0, ...(await childrenOf(child))],
    requests: () => countRequests(origin),
    async stop() {
      const gone = new Promise(resolve => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function versionOf(program: UnpackedProgram): Promise<string> {
  const { stderr } = await run(program.path, ['-v'], { env: environmentOf(program) });
  return stderr.trim().replace('nginx version: ', '');
}

async function childrenOf({ pid }: ChildProcess): Promise<number[]> {
  const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.split(/\s+/).filter(Boolean).map(Number);
}

/** A first visit gets a cookie, as in a shop; from then on the client sends it. */
const configuration = (port: number): string => `
daemon off;
worker_processes 1;
worker_rlimit_nofile 19000;
pid nginx.pid;
error_log error.log;
events { worker_connections 9000; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  map $http_cookie $session { default ""; "" "sid=0123456789abcdef; Path=/; HttpOnly"; }
  server {
    listen 127.0.0.1:${port} backlog=8192;
    location / {
      add_header Set-Cookie $session;
      default_type text/plain;
      return 200 "${'muster '.repeat(16)}";
    }
    location /status { stub_status; }
  }
}
`;

/** Of all its life, this question not counted. */
async function countRequests(origin: string): Promise<number> {
  const text = await (await fetch(`${origin}/status`)).text();
  const [, requests] = /\n\s*\d+\s+\d+\s+(\d+)/.exec(text) ?? [];
  return Number(requests) - 1;
}
