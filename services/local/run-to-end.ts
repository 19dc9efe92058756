import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { AppError } from '../../shared/kernel/errors.ts';
import { misconfigured } from '../../shared/platform/run-service.ts';

export interface RunOptions {
  name: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  print: (line: string) => void;
  signal: AbortSignal;
}

/**
 * Runs a script with this same Node; rejects with its last lines when it fails.
 * @throws AppError `validation_failed` when it says that its configuration is at fault
 */
export async function runToEnd({ name, args, env, print, signal }: RunOptions): Promise<void> {
  const child = spawn(process.execPath, args, {
    env,
    detached: true,
    signal,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', line => {
      lines.push(line);
      print(line);
    });
  }
  const code = await closed(child);
  if (code === 0) return;
  throw new AppError(
    code === misconfigured ? 'validation_failed' : 'dependency_unavailable',
    `${name} failed (exit code ${code}):\n${lines.slice(-15).join('\n')}`,
  );
}

const closed = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
