import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
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

/** A script of this folder, and its argument. */
export interface Program {
  script: string;
  input: unknown;
}

/** Runs a program in a process of its own, from its first instruction in the given control group. */
export const runInProcess = ({ script, input }: Program, share?: CpuShare): Promise<RunReport> =>
  start({ script, input }, share).report;

/**
 * Runs two programs in the same time and never at once: each has its turn, while the other is stopped. A machine whose
 * speed changes from one second to the next is then as fast or slow for the one as for the other.
 */
export async function runInTurns(
  one: Program,
  other: Program,
  turnMs: number,
): Promise<[RunReport, RunReport]> {
  const running = [start(one), start(other)] as const;
  const [first, second] = running;
  let turn = 0;
  const passOn = () => {
    const [next, waiting] = turn++ % 2 === 0 ? [first, second] : [second, first];
    if (next.child.exitCode === null) waiting.child.kill('SIGSTOP'); // whoever is left has all turns
    next.child.kill('SIGCONT');
  };
  passOn();
  const timer = setInterval(passOn, turnMs);
  try {
    return await Promise.all([first.report, second.report]);
  } finally {
    clearInterval(timer);
    for (const { child } of running) child.kill('SIGKILL');
  }
}

interface Running {
  child: ChildProcess;
  report: Promise<RunReport>;
}

function start({ script, input }: Program, share?: CpuShare): Running {
  const path = new URL(script, import.meta.url).pathname;
  const command = [process.execPath, path, JSON.stringify(input)];
  const joining = ['sh', '-c', 'echo $$ > "$1" && shift && exec "$@"', 'sh', share?.joinPath ?? ''];
  const [program = '', ...args] = share === undefined ? command : [...joining, ...command];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  return { child, report: reportOf(script, child) };
}

async function reportOf(
  script: string,
  child: ChildProcessByStdio<null, Readable, null>,
): Promise<RunReport> {
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
