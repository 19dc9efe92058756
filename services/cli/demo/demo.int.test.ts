import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from '../../../shared/kernel/time.ts';
import { removeEmbeddedPostgres } from '../../../shared/platform/embedded-postgres/data.ts';
import { readLocalApiKey, readStackFile } from '../../../shared/platform/local-stack.ts';

/** The demo as people run it: real processes, a real Postgres, real logins. */
const seconds = 1000;
const limitMs = 120 * seconds;

const script = join(import.meta.dirname, '..', 'main.ts');
/** Where the demo has its temporary stack, and where it leaves its report. */
let temporary: string;
let dataFolder: string;

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'muster-demo-test-'));
  dataFolder = await mkdtemp(join(tmpdir(), 'muster-demo-data-'));
});
afterEach(async () => {
  await rm(temporary, { recursive: true, force: true });
  await rm(dataFolder, { recursive: true, force: true });
});

type Demo = ReturnType<typeof start>;

function start(options: string[] = [], given: Record<string, string> = {}) {
  const env = { ...process.env, DATA_DIR: dataFolder, ...given, TMPDIR: temporary };
  const demo = spawn(process.execPath, [script, 'demo', '--seconds', '2', ...options], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  for (const stream of [demo.stdout, demo.stderr]) {
    createInterface({ input: stream }).on('line', line => lines.push(line));
  }
  return { process: demo, said: () => lines.join('\n') };
}

const hasSaid = (demo: Demo, words: string) =>
  waitFor(`the demo to say "${words}"`, () => demo.said().includes(words), { timeoutMs: 60 * seconds });

async function endOf(demo: Demo): Promise<number | null> {
  if (demo.process.exitCode === null) await once(demo.process, 'close');
  return demo.process.exitCode;
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('npm run demo', () => {
  it(
    'creates users, syncs them, logs them in, loads the shop with them, and leaves the stack up with --keep for another demo',
    async () => {
      const demo = start(['--keep']);
      expect(await endOf(demo)).toBe(0);
      const said = demo.said();
      expect(said).toContain('1,000 users created');
      expect(said).toMatch(/logged in to the storefront as demo_\w+@example.com/);
      expect(said).toContain('1,000 accounts synced to the load tester');
      expect(said).toContain('the digests of both sides are the same');
      expect(said).toMatch(/1000 unchanged, found by comparing \d+\.\d kB/);
      expect(said).toContain('200 accounts logged in');
      expect(said).toMatch(/2 s of load: [1-9]\d* requests of 50 logged-in users over 2 workers/);
      expect(said).toMatch(/http_req_duration\.*: avg=/);
      expect(said).toMatch(/Done in \d+\.\d s/);

      const [folder = ''] = await readdir(temporary);
      const dataDir = join(temporary, folder);
      const stack = await readStackFile(dataDir);
      expect(said).toContain(`kill ${stack?.pid}`);
      const again = start(['--api', stack?.api_url ?? '', '--users', '40'], {
        STOREFRONT_URL: stack?.storefront_url ?? '',
        MUSTER_API_KEY: (await readLocalApiKey(dataDir)) ?? '',
      });
      expect(await endOf(again)).toBe(0);
      expect(again.said()).toContain('40 accounts logged in');
      expect(again.said()).toContain('requests of 40 logged-in users');
      expect(again.said()).toContain('40 forgotten by the load tester');
      expect(again.said()).toContain('40 test users deleted'); // its own, not those that were kept
      process.kill(stack?.pid ?? 0, 'SIGTERM');
      await waitFor('the stack to stop', () => !isAlive(stack?.pid ?? 0), { timeoutMs: 30 * seconds });
      await removeEmbeddedPostgres(join(dataDir, 'postgres'));
    },
    limitMs,
  );

  it(
    'cleans up what it made, and leaves nothing behind but the report',
    async () => {
      const demo = start(['--users', '20']);
      expect(await endOf(demo)).toBe(0);
      expect(demo.said()).toContain('20 test users deleted');
      expect(demo.said()).toMatch(/untouched +5 production users before and after, digest \w{16}/);
      expect(await readFile(join(dataFolder, 'demo-report.html'), 'utf8')).toContain('</html>');
      expect(await readdir(temporary)).toEqual([]);
    },
    limitMs,
  );

  it(
    'leaves nothing behind on Ctrl-C in the middle either',
    async () => {
      const demo = start();
      await hasSaid(demo, 'stack is up');
      demo.process.kill('SIGINT');
      expect(await endOf(demo)).toBe(130);
      expect(demo.said()).toContain('Interrupted: stack stopped, temporary data removed.');
      expect(await readdir(temporary)).toEqual([]);
    },
    limitMs,
  );

  it(
    'refuses faulty settings before anything is started',
    async () => {
      const demo = start([], { LOG_LEVEL: 'loud' });
      expect(await endOf(demo)).toBe(2);
      expect(demo.said()).toContain('LOG_LEVEL');
      expect(await readdir(temporary)).toEqual([]);
    },
    limitMs,
  );
});
