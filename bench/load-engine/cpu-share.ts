import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '../../shared/kernel/ids.ts';
import { sleep } from '../../shared/kernel/time.ts';

/** A control group that holds its processes to a share of one core: equal engines on a machine with too few cores. */
export interface CpuShare {
  /** Write a process id here to put it in. */
  joinPath: string;
  /** When its processes have ended. */
  remove(): Promise<void>;
}

const periodUs = 100_000;

/** Version 2 of control groups, and version 1 where its CPU controller is mounted; undefined where neither may be used. */
export async function createCpuShare(share: number): Promise<CpuShare | undefined> {
  const quotaUs = Math.round(share * periodUs);
  const name = `muster-bench-${newId()}`;
  return (
    (await tryShare(join('/sys/fs/cgroup', name), 'cpu.max', `${quotaUs} ${periodUs}`)) ??
    (await tryShare(join('/sys/fs/cgroup/cpu', name), 'cpu.cfs_quota_us', String(quotaUs)))
  );
}

async function tryShare(folder: string, file: string, value: string): Promise<CpuShare | undefined> {
  try {
    await mkdir(folder);
  } catch {
    return undefined;
  }
  try {
    await writeFile(join(folder, file), value, { flag: 'r+' }); // the kernel makes the file, or there is no such control
  } catch {
    await rmdir(folder);
    return undefined;
  }
  return { joinPath: join(folder, 'cgroup.procs'), remove: () => removeEmpty(folder) };
}

/** The kernel takes a moment to notice that the last process is gone. */
async function removeEmpty(folder: string): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const gone = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (gone) return;
    await sleep(50);
  }
}
