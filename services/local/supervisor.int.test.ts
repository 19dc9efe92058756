import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from '../../shared/kernel/time.ts';
import { type RestartPolicy, type SupervisedChild, superviseChild } from './supervisor.ts';

const quick: RestartPolicy = { baseMs: 10, capMs: 200, steadyMs: 60_000, maxQuickDeaths: 4 };
const children: SupervisedChild[] = [];

function supervise(script: string, { restart = quick, stopTimeoutMs = 5000 } = {}) {
  const printed: string[] = [];
  const announced: string[] = [];
  const child = superviseChild(
    { name: 'fixture', args: ['--input-type=module', '-e', script], env: process.env },
    {
      print: line => printed.push(line),
      announce: text => announced.push(text),
      stopTimeoutMs,
      restart,
    },
  );
  children.push(child);
  return { child, printed, announced };
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const staysUp = 'setInterval(() => {}, 1000); console.log("ready");';
const ignoresSigterm = `process.on('SIGTERM', () => console.log('no')); ${staysUp}`;
const printedReady = (printed: string[]) => waitFor('the child to be ready', () => printed.includes('ready'));

afterEach(() => {
  for (const child of children.splice(0)) child.kill();
});

describe('a supervised child', () => {
  it('passes on what it prints, line by line, from both streams', async () => {
    const { child, printed } = supervise(
      'console.log("one\\ntwo"); console.error("three"); setInterval(() => {}, 1000)',
    );
    child.start();
    await waitFor('three lines', () => printed.length === 3);
    expect(printed.toSorted()).toEqual(['one', 'three', 'two']);
    expect(child.lastLines()).toHaveLength(3);
  });

  it('is started again when it dies', async () => {
    const { child, printed, announced } = supervise(staysUp);
    child.start();
    await printedReady(printed);
    const first = child.pid() ?? 0;
    const again = once(child.events, 'up');
    process.kill(first, 'SIGKILL');
    await again;
    expect(child.pid()).not.toBe(first);
    expect(announced[0]).toMatch(/^died of SIGKILL; starts again in \d+ ms$/);
  });

  it('waits longer before each further start, then is given up with the reason', async () => {
    const { child, announced } = supervise('process.exit(3)', {
      restart: { ...quick, baseMs: 50 },
    });
    const gaveUp = once(child.events, 'gave_up');
    child.start();
    await gaveUp;
    const delays = announced.flatMap(text => /in (\d+) ms/.exec(text)?.[1] ?? []).map(Number);
    expect(delays).toHaveLength(3);
    for (const [attempt, delay] of delays.entries()) {
      expect(delay).toBeGreaterThanOrEqual(25 * 2 ** attempt);
      expect(delay).toBeLessThanOrEqual(50 * 2 ** attempt);
    }
    expect(child.gaveUp()).toBe('exited with 3; given up after 4 quick deaths in a row');
  });

  it('is given up at once, after its last line, when it says that its configuration is at fault', async () => {
    const { child, announced } = supervise('console.log("no such setting"); process.exit(78)');
    const gaveUp = once(child.events, 'gave_up');
    child.start();
    await gaveUp;
    expect(announced).toEqual(['cannot run as it is configured']);
    expect([child.isMisconfigured(), child.lastLines()]).toEqual([true, ['no such setting']]);
  });

  it('is never given up once it perseveres, and waits no longer than the cap', async () => {
    const { child, announced } = supervise('process.exit(78)', { restart: { ...quick, capMs: 40 } });
    child.persevere();
    child.start();
    const tries = 2 * quick.maxQuickDeaths;
    await waitFor('more deaths than a start may have', () => announced.length >= tries);
    expect(child.gaveUp()).toBeUndefined();
    for (const text of announced) expect(text).toMatch(/^exited with 78; starts again in ([1-3]?\d|40) ms$/);
  });

  it('is forgiven its quick deaths once it was up for a while', async () => {
    const { child } = supervise('process.exit(3)', { restart: { ...quick, steadyMs: 0 } });
    let deaths = 0;
    child.events.on('died', () => deaths++);
    child.start();
    await waitFor('more deaths than are allowed in a row', () => deaths > quick.maxQuickDeaths);
    expect(child.gaveUp()).toBeUndefined();
  });

  it('stops on SIGTERM and is not started again', async () => {
    const { child, printed, announced } = supervise(
      `process.on('SIGTERM', () => process.exit(0)); ${staysUp}`,
    );
    child.start();
    await printedReady(printed);
    await child.stop();
    expect(child.pid()).toBeUndefined();
    expect(announced).toEqual([]);
  });

  it('is killed when it does not stop in time', async () => {
    const { child, printed, announced } = supervise(ignoresSigterm, { stopTimeoutMs: 100 });
    child.start();
    await printedReady(printed);
    await child.stop();
    expect(announced).toEqual(['did not stop within 100 ms and is killed']);
  });

  it('stays stopped when it is told so between two starts', async () => {
    const { child } = supervise('process.exit(1)', { restart: { ...quick, baseMs: 60_000, capMs: 60_000 } });
    const died = once(child.events, 'died');
    child.start();
    await died;
    await child.stop();
    expect(child.pid()).toBeUndefined();
  });

  it('ends by itself when its parent is killed with -9', async () => {
    const guard = join(import.meta.dirname, '../../shared/platform/parent-guard.ts');
    const guarded = `import { onParentLost } from ${JSON.stringify(guard)};
      onParentLost(() => process.exit(0)); setInterval(() => {}, 1000); console.log('child ' + process.pid);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', parentScript(guarded)]);
    const [line] = await once(createInterface({ input: parent.stdout }), 'line');
    const childPid = Number(/child (\d+)/.exec(line)?.[1]);
    expect(isAlive(childPid)).toBe(true);
    parent.kill('SIGKILL');
    await waitFor('the child to end', () => !isAlive(childPid));
  });
});

function parentScript(childScript: string): string {
  return `import { superviseChild } from ${JSON.stringify(join(import.meta.dirname, 'supervisor.ts'))};
    superviseChild(
      { name: 'child', args: ['--input-type=module', '-e', ${JSON.stringify(childScript)}], env: process.env },
      { print: line => console.log(line), announce: () => {}, stopTimeoutMs: 1000 },
    ).start();`;
}
