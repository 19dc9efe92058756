import { createLifecycle, type Lifecycle } from '../../shared/kernel/lifecycle.ts';
import type { Config } from '../../shared/platform/config.ts';
import { createLinePrinters } from './log-lines.ts';
import { type ChildSpec, type SupervisedChild, superviseChild } from './supervisor.ts';

/** A child gets this much longer than it gives itself before it is killed. */
const graceMs = 2000;

/** The children of one stack: their supervisors, their printers, and the order in which they stop. */
export function createChildren(config: Config, write: (line: string) => void) {
  const printers = createLinePrinters({ write, raw: config.LOG_RAW });
  const say = printers('stack');
  const lifecycle: Lifecycle = createLifecycle();
  const all: SupervisedChild[] = [];

  function supervise(spec: ChildSpec): SupervisedChild {
    const child = superviseChild(spec, {
      print: printers(spec.name),
      announce: text => say(`${spec.name} ${text}`),
      stopTimeoutMs: config.SHUTDOWN_TIMEOUT_MS + graceMs,
    });
    all.push(child);
    return child;
  }

  return {
    say,
    lifecycle,
    /** A child that stops before all that were added earlier. */
    add: (spec: ChildSpec): SupervisedChild => lifecycle.add(supervise(spec)),
    /** Children that stop together. */
    addGroup(name: string, specs: ChildSpec[]): SupervisedChild[] {
      const group = specs.map(supervise);
      lifecycle.onStop(name, async () => void (await Promise.all(group.map(child => child.stop()))));
      return group;
    },
    /** Whichever child was given up. */
    lost: (): SupervisedChild | undefined => all.find(child => child.gaveUp() !== undefined),
    /** From now on every child that dies is started again, for ever. */
    persevere(): void {
      for (const child of all) child.persevere();
    },
    /** Ends the children at once, but PostgreSQL, which its keeper stops cleanly when we are gone. */
    kill(): void {
      for (const child of all) if (child.name !== 'postgres') child.kill();
    },
  };
}

export type Children = ReturnType<typeof createChildren>;
