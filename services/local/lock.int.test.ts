import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeStackFile } from '../../shared/platform/local-stack.ts';
import { lockDataFolder } from './lock.ts';

let dataDir: string;
const path = () => join(dataDir, 'stack.lock');

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'muster-lock-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

describe('the lock of a data folder', () => {
  it('refuses a second stack, with the pid and the URL of the first', async () => {
    const first = await lockDataFolder(dataDir);
    await expect(lockDataFolder(dataDir)).rejects.toThrow(`(pid ${process.pid}) and is starting`);
    await writeStackFile(dataDir, {
      pid: process.pid,
      api_url: 'http://127.0.0.1:8080',
      storefront_url: 'http://127.0.0.1:5001',
      started_at: new Date().toISOString(),
    });
    await expect(lockDataFolder(dataDir)).rejects.toThrow(`(pid ${process.pid}) at http://127.0.0.1:8080`);
    await first.release();
    await expect(lockDataFolder(dataDir)).resolves.toMatchObject({ tookOverFrom: undefined });
  });

  it('is taken over from a process that is gone, whose pid is told', async () => {
    const gone = spawn(process.execPath, ['-e', '']);
    await once(gone, 'exit');
    await writeFile(path(), JSON.stringify({ pid: gone.pid, started: '1' }));
    expect((await lockDataFolder(dataDir)).tookOverFrom).toBe(gone.pid);
  });

  const tellsStartTimes = process.platform === 'linux' ? it : it.skip;
  tellsStartTimes('is taken over when its pid belongs to another process by now', async () => {
    await writeFile(path(), JSON.stringify({ pid: process.pid, started: 'another boot' }));
    expect((await lockDataFolder(dataDir)).tookOverFrom).toBe(process.pid);
  });

  it('is taken over when it is not readable as a lock', async () => {
    await writeFile(path(), '{"pid": 1');
    await expect(lockDataFolder(dataDir)).resolves.toMatchObject({ tookOverFrom: undefined });
  });

  it('leaves no drafts behind', async () => {
    await writeFile(path(), JSON.stringify({ pid: process.pid, started: 'another boot' }));
    const held = await lockDataFolder(dataDir);
    expect(await readdir(dataDir)).toEqual(['stack.lock']);
    await held.release();
    expect(await readdir(dataDir)).toEqual([]);
  });
});
