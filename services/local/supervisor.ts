import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Service } from '../../shared/kernel/lifecycle.ts';
import { backoffMs } from '../../shared/kernel/time.ts';
import { misconfigured } from '../../shared/platform/run-service.ts';

/**
 * Keeps one child process alive.
 *
 *   idle -> up -> (died) -> waiting -> up -> ...
 *           up -> (died too often, or misconfigured; not once it perseveres) -> given up
 *   any state -> stopped
 *
 * A child that dies is started again after an exponential delay. Deaths soon after a start are counted;
 * being up for `steadyMs` clears the count, and `maxQuickDeaths` in a row end in "given up". That is for a start that
 * somebody watches: after `persevere()` no death is the last one, since what is missing may come back in the night.
 */
export interface ChildSpec {
  name: string;
  /** The script and its arguments, for this same Node. */
  args: string[];
  env: NodeJS.ProcessEnv;
}

export interface RestartPolicy {
  baseMs: number;
  capMs: number;
  steadyMs: number;
  maxQuickDeaths: number;
}

export interface SupervisorOptions {
  /** Receives every line that the child prints. */
  print: (line: string) => void;
  /** Receives what the supervisor itself has to say. */
  announce: (text: string) => void;
  /** How long a child may take to stop after SIGTERM before SIGKILL. */
  stopTimeoutMs: number;
  restart?: RestartPolicy;
}

interface ChildEvents {
  up: [pid: number];
  died: [reason: string];
  gave_up: [reason: string];
  message: [message: unknown];
}

export interface SupervisedChild extends Service {
  readonly events: EventEmitter<ChildEvents>;
  start(): void;
  /** From now on it is started again whatever it dies of, for ever. */
  persevere(): void;
  /** Ends the child and everything in its process group, without a word. */
  kill(): void;
  pid(): number | undefined;
  /** Why it was given up; undefined as long as it is not. */
  gaveUp(): string | undefined;
  /** Given up because what it was given is at fault: its last line says why. */
  isMisconfigured(): boolean;
  /** The last lines that it printed. */
  lastLines(): string[];
}

const defaultRestart: RestartPolicy = { baseMs: 250, capMs: 10_000, steadyMs: 10_000, maxQuickDeaths: 5 };
const linesKept = 40;

/** A supervised child; nothing runs before `start()`. */
export function superviseChild(spec: ChildSpec, options: SupervisorOptions): SupervisedChild {
  const policy = options.restart ?? defaultRestart;
  const events = new EventEmitter<ChildEvents>();
  const lines: string[] = [];
  let child: ChildProcess | undefined;
  let restartTimer: NodeJS.Timeout | undefined;
  let stopping = false;
  let perseveres = false;
  let quickDeaths = 0;
  let gaveUp: string | undefined;
  let isMisconfigured = false;

  function start(): void {
    const startedAt = performance.now();
    const started = launch(spec);
    child = started;
    for (const stream of [started.stdout, started.stderr]) forwardLines(stream, remember);
    started.on('message', message => events.emit('message', message));
    whenGone(started, (reason, code) => {
      child = undefined;
      if (stopping) return;
      if (code === misconfigured && !perseveres) {
        isMisconfigured = true;
        giveUp('cannot run as it is configured');
      } else recover(reason, performance.now() - startedAt);
    });
    if (started.pid !== undefined) events.emit('up', started.pid);
  }

  function remember(line: string): void {
    lines.push(line);
    if (lines.length > linesKept) lines.shift();
    options.print(line);
  }

  function recover(reason: string, uptimeMs: number): void {
    quickDeaths = uptimeMs >= policy.steadyMs ? 1 : quickDeaths + 1;
    events.emit('died', reason);
    if (quickDeaths >= policy.maxQuickDeaths && !perseveres) {
      giveUp(`${reason}; given up after ${quickDeaths} quick deaths in a row`);
      return;
    }
    const delayMs = backoffMs(quickDeaths - 1, policy.baseMs, policy.capMs);
    options.announce(`${reason}; starts again in ${delayMs} ms`);
    restartTimer = setTimeout(start, delayMs);
  }

  function giveUp(why: string): void {
    gaveUp = why;
    options.announce(why);
    events.emit('gave_up', why);
  }

  async function stop(): Promise<void> {
    stopping = true;
    clearTimeout(restartTimer);
    const running = child;
    if (running === undefined) return;
    const gone = once(running, 'close'); // its last lines come before those of what stops next
    running.kill('SIGTERM');
    const deadline = setTimeout(() => {
      options.announce(`did not stop within ${options.stopTimeoutMs} ms and is killed`);
      killGroup(running);
    }, options.stopTimeoutMs);
    await gone;
    clearTimeout(deadline);
  }

  function kill(): void {
    stopping = true;
    clearTimeout(restartTimer);
    if (child !== undefined) killGroup(child);
  }

  return {
    name: spec.name,
    events,
    start,
    persevere(): void {
      perseveres = true;
    },
    stop,
    kill,
    pid: () => child?.pid,
    gaveUp: () => gaveUp,
    isMisconfigured: () => isMisconfigured,
    lastLines: () => [...lines],
  };
}

/**
 * Each child leads a process group of its own, so that Ctrl-C in a terminal reaches the supervisor alone
 * and the order of the stop is its choice. The IPC channel tells the child when the supervisor is gone.
 */
function launch({ args, env }: ChildSpec): ChildProcess {
  return spawn(process.execPath, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
}

function forwardLines(stream: Readable | null, receive: (line: string) => void): void {
  if (stream === null) return;
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', receive);
}

/** Calls back once, whether the process ended or could not even be started; after its last line, where that matters. */
function whenGone(child: ChildProcess, callback: (reason: string, code?: number | null) => void): void {
  child.once('error', error => {
    if (child.pid === undefined) callback(`cannot be started: ${error.message}`);
  });
  child.once('exit', (code, signal) => {
    const reason = signal === null ? `exited with ${code}` : `died of ${signal}`;
    if (code === misconfigured) child.once('close', () => callback(reason, code));
    else callback(reason, code);
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL'); // the group is gone already, or this system has none
  }
}
