/**
 * `npm test`: runs Jest with what it needs for ES modules, and closes with plain lines for people and CI.
 *   npm test                        all projects once; in CI with coverage, which must reach a threshold
 *   npm test -- shared/store        what matches
 *   npm test -- --coverage          all, with coverage (which takes half as long again)
 *   npm run test:faults             the faults again and again (FAULT_ROUNDS, 10); with a pattern, what matches
 * Exits with Jest's code.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

const root = join(import.meta.dirname, '..');
const inCi = process.env.CI === 'true';

/** What is read of Jest's JSON report. */
const report = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  numRuntimeErrorTestSuites: z.number(),
});

interface Run {
  jestArguments: string[];
  environment: Record<string, string>;
}

function plan(given: string[]): Run {
  if (given.includes('--faults')) {
    const rest = given.filter(argument => argument !== '--faults');
    const rounds = process.env.FAULT_ROUNDS ?? '10';
    return { jestArguments: [...rest, '--selectProjects', 'faults'], environment: { FAULT_ROUNDS: rounds } };
  }
  if (given.length > 0 || !inCi) return { jestArguments: given, environment: {} };
  const threshold = ['--coverageThreshold', JSON.stringify({ global: { lines: 85 } })];
  return { jestArguments: ['--coverage', ...threshold], environment: {} };
}

/** Runs Jest to its end and gives its exit code. Signals go to it: it stops the servers (global-setup.ts). */
async function runJest({ jestArguments, environment }: Run, files: string[]): Promise<number> {
  const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
  const options = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [jest, '--config', 'jest.config.ts', ...files, ...jestArguments], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      ...environment,
      NODE_ENV: 'test',
      NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'muster'), // for the processes that tests start
      NODE_OPTIONS: [process.env.NODE_OPTIONS, ...options].filter(Boolean).join(' '),
    },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, 'close');
  return typeof code === 'number' ? code : 1;
}

/** The closing lines, read by CI: which Redis there was, and `N passed, N failed, N skipped` alone on the last. */
async function summarise(folder: string): Promise<void> {
  const redis = await readFile(join(folder, 'redis'), 'utf8').catch(() => 'not needed');
  const found = report.parse(JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')));
  const failed = found.numFailedTests + found.numRuntimeErrorTestSuites;
  console.log(`Redis: ${redis}`);
  console.log(
    `${found.numPassedTests} passed, ${failed} failed, ${found.numPendingTests + found.numTodoTests} skipped`,
  );
}

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-test-report-'));
  try {
    const run = plan(process.argv.slice(2));
    run.environment.TEST_REPORT_DIR = folder;
    const code = await runJest(run, ['--json', `--outputFile=${join(folder, 'report.json')}`]);
    await summarise(folder).catch(() => console.error('Jest ended without a report'));
    return code;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
