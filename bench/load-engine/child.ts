import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import type { CpuShare } from './cpu-share.ts';

/** What a generator says of its run when it is done, on its standard output. */
const runReport = z.object({
  requests: z.number(),
  failed: z.number(),
  seconds: z.number(),
  /** User and system time of the process during the run. */
  cpuUs: z.number(),
  /** Of an open model: how late requests started, and arrivals that no user was free for. */
  latenessP99Us: z.number().optional(),
  dropped: z.number().optional(),
  /** What is resident of the process, after 10 seconds and each minute. */
  memory: z.array(z.object({ rssBytes: z.number() })),
});
export type RunReport = z.infer<typeof runReport>;

/** Runs a script of this folder in a process of its own, from its first instruction in the given control group. */
export async function runInProcess(script: string, input: unknown, share?: CpuShare): Promise<RunReport> {
  const path = new URL(script, import.meta.url).pathname;
  const command = [process.execPath, path, JSON.stringify(input)];
  const joining = ['sh', '-c', 'echo $$ > "$1" && shift && exec "$@"', 'sh', share?.joinPath ?? ''];
  const [program = '', ...args] = share === undefined ? command : [...joining, ...command];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (child.exitCode !== 0) throw new Error(`${script} ended with code ${child.exitCode}`);
  return runReport.parse(JSON.parse(output));
}

/** User and system time of running processes so far, microseconds; 0 where there is no /proc. */
export async function cpuUsOf(pids: readonly number[]): Promise<number> {
  const each = await Promise.all(pids.map(cpuTicksOf));
  return each.reduce((sum, ticks) => sum + ticks, 0) * 10_000; // 100 ticks a second, as on every Linux
}

async function cpuTicksOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}
