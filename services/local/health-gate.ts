import got from 'got';
import { health } from '../../shared/http/system.ts';
import { AppError } from '../../shared/kernel/errors.ts';
import { sleep } from '../../shared/kernel/time.ts';
import { readLastWords } from './log-lines.ts';
import type { SupervisedChild } from './supervisor.ts';

/** One condition for "the stack is up", and the children whose logs tell why it is not. */
export interface Gate {
  what: string;
  isOpen: () => Promise<boolean>;
  children: SupervisedChild[];
}

export interface GateOptions {
  /** Whichever part of the stack was given up, also one whose own gate was open before. */
  lost: () => SupervisedChild | undefined;
  timeoutMs: number;
  signal: AbortSignal;
  intervalMs?: number;
}

/** Resolves when the gate opens; rejects with the last log lines when time is up or a part was given up. */
export async function passGate(
  gate: Gate,
  { lost, timeoutMs, signal, intervalMs = 100 }: GateOptions,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const isOpen = await gate.isOpen();
    refuse(lost());
    if (isOpen) return;
    if (performance.now() > deadline) {
      throw notUp(`${gate.what} not healthy within ${timeoutMs / 1000} s`, gate.children);
    }
    await sleep(intervalMs, signal);
  }
}

function refuse(lost: SupervisedChild | undefined): void {
  if (lost === undefined) return;
  throw lost.isMisconfigured() ? cannotRun(lost) : notUp(`${lost.name} ${lost.gaveUp()}`, [lost]);
}

/** The fault alone, in the words of the child's last line: what else was logged says nothing of it. */
function cannotRun(child: SupervisedChild): AppError {
  const last = child.lastLines().at(-1) ?? '';
  const { reason, hint } = readLastWords(last) ?? { reason: last, hint: undefined };
  const message = `The stack did not start: ${child.name} cannot run as it is configured.\n${reason}`;
  return new AppError('validation_failed', message, hint === undefined ? {} : { hint });
}

function notUp(what: string, children: SupervisedChild[]): AppError {
  const logs = children.map(
    child => `--- last lines of ${child.name}\n${child.lastLines().slice(-15).join('\n')}`,
  );
  return new AppError('dependency_unavailable', `The stack did not start: ${what}.\n${logs.join('\n')}`);
}

export async function storefrontIsUp(url: string): Promise<boolean> {
  return (await probe(`${url}/health`))?.ok ?? false;
}

/** The API answers and finds nothing down; workers may still be on their way. */
export async function apiIsUp(url: string): Promise<boolean> {
  return (await probe(`${url}/api/health`))?.ok ?? false;
}

/** The API is content with everything and sees at least `count` workers. */
export async function workersAreUp(url: string, count: number): Promise<boolean> {
  const parsed = health.safeParse((await probe(`${url}/api/health`))?.body);
  return parsed.success && parsed.data.status === 'ok' && parsed.data.checks.workers.count >= count;
}

async function probe(url: string): Promise<{ ok: boolean; body: unknown } | undefined> {
  try {
    const response = await got(url, {
      retry: { limit: 0 },
      timeout: { request: 2000 },
      throwHttpErrors: false,
    });
    return { ok: response.ok, body: JSON.parse(response.body) };
  } catch {
    return undefined; // not listening yet
  }
}
