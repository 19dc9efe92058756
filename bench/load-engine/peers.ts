import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '../../shared/kernel/errors.ts';
import type { UnpackedProgram } from '../../test/servers/debian-packages.ts';
import { environmentOf, findProgram } from './programs.ts';

const run = promisify(execFile);

interface Peer {
  name: string;
  /** Debian's package that has it. */
  package: string;
  arguments(url: string, seconds: number): string[];
  /** Requests, as it prints them. */
  requests: RegExp;
}

const peers: Peer[] = [
  {
    name: 'wrk',
    package: 'wrk',
    arguments: (url, seconds) => ['-t1', '-c50', `-d${seconds}s`, url],
    requests: /(\d+) requests in/,
  },
  {
    name: 'ab',
    package: 'apache2-utils',
    arguments: (url, seconds) => ['-k', '-q', '-c50', `-t${seconds}`, '-n99999999', url],
    requests: /Complete requests:\s+(\d+)/,
  },
  {
    name: 'hey',
    package: 'hey',
    arguments: (url, seconds) => ['-c', '50', '-z', `${seconds}s`, url],
    requests: /\[200\]\s+(\d+) responses/,
  },
];

/** Once each, for the order of magnitude; CPU time as the kernel counts it. Said, where one cannot be had here. */
export async function runOtherPeers(origin: string, seconds: number): Promise<void> {
  for (const peer of peers) {
    try {
      console.log(`${peer.name.padEnd(12)} ${await runPeer(peer, `${origin}/`, seconds)}`);
    } catch (error) {
      console.log(`${peer.name.padEnd(12)} not run: ${messageOf(error).split('\n')[0]}`);
    }
  }
}

async function runPeer(peer: Peer, url: string, seconds: number): Promise<string> {
  const { name, package: source } = peer;
  const program = await findProgram({ name, packages: [source], path: `usr/bin/${name}`, load: canStart });
  const command = ['-c', 'time "$@"', '-', program.path, ...peer.arguments(url, seconds)];
  const { stdout, stderr } = await run('bash', command, { env: environmentOf(program) });
  const output = stdout + stderr;
  const requests = Number(peer.requests.exec(output)?.[1]);
  const cpuUs = ['user', 'sys'].reduce((sum, kind) => {
    const [, minutes, secs] = new RegExp(`${kind}\\s+(\\d+)m([\\d.]+)s`).exec(output) ?? [];
    return sum + (Number(minutes) * 60 + Number(secs)) * 1e6;
  }, 0);
  return `${(cpuUs / requests).toFixed(2)} us of CPU a request, ${Math.round(requests / seconds)}/s`;
}

/** Without arguments each prints its usage and fails; 127 is the loader's, for a library that is missing. */
async function canStart(program: UnpackedProgram): Promise<void> {
  await run(program.path, [], { env: environmentOf(program) }).catch((error: { code?: unknown }) => {
    if (error.code === 127) throw error;
  });
}
