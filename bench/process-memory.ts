import type { ChildProcess } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The memory of a service of the stack, from /proc: Linux only. */
export async function pidOfService({ pid }: ChildProcess, service: 'api' | 'worker'): Promise<string> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  for (const child of children.trim().split(' ')) {
    const command = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(join('services', service))) return child;
  }
  throw new Error(`The stack has no ${service}`);
}

/** Resident memory now and at its largest since the last reset, in bytes. */
async function memoryOf(pid: string): Promise<{ rssBytes: number; peakBytes: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const bytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
  return { rssBytes: bytes('VmRSS'), peakBytes: bytes('VmHWM') };
}

/** Runs `work`; gives by how much the resident memory of a process rose above what it was, at most, in MiB. */
export async function memoryGrowthMiB(pid: string, work: () => Promise<void>): Promise<number> {
  await writeFile(`/proc/${pid}/clear_refs`, '5'); // proc(5): resets the peak to what is resident now
  const before = await memoryOf(pid);
  await work();
  const { peakBytes } = await memoryOf(pid);
  return (peakBytes - before.rssBytes) / 2 ** 20;
}
