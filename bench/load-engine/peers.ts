import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { programOnPath } from '../../test/servers/redis-find.ts';

const run = promisify(execFile);

interface Peer {
  name: string;
  arguments(url: string, seconds: number): string[];
  /** Requests, as it prints them. */
  requests: RegExp;
}

const peers: Peer[] = [
  {
    name: 'wrk',
    arguments: (url, seconds) => ['-t1', '-c50', `-d${seconds}s`, url],
    requests: /(\d+) requests in/,
  },
  {
    name: 'ab',
    arguments: (url, seconds) => ['-k', '-q', '-c50', `-t${seconds}`, '-n99999999', url],
    requests: /Complete requests:\s+(\d+)/,
  },
  {
    name: 'hey',
    arguments: (url, seconds) => ['-c', '50', '-z', `${seconds}s`, url],
    requests: /\[200\]\s+(\d+) responses/,
  },
];

/** Those that are on the PATH, once each, for the order of magnitude; CPU time as the kernel counts it. */
export async function runOtherPeers(origin: string, seconds: number): Promise<void> {
  for (const peer of peers) {
    const path = await programOnPath(peer.name);
    if (path === undefined) continue;
    const command = ['-c', 'time "$@"', '-', path, ...peer.arguments(`${origin}/`, seconds)];
    const { stdout, stderr } = await run('bash', command);
    const output = stdout + stderr;
    const requests = Number(peer.requests.exec(output)?.[1]);
    const cpuUs = ['user', 'sys'].reduce((sum, kind) => {
      const [, minutes, secs] = new RegExp(`${kind}\\s+(\\d+)m([\\d.]+)s`).exec(output) ?? [];
      return sum + (Number(minutes) * 60 + Number(secs)) * 1e6;
    }, 0);
    console.log(
      `${peer.name.padEnd(12)} ${(cpuUs / requests).toFixed(2)} us of CPU a request, ${Math.round(requests / seconds)}/s`,
    );
  }
}
