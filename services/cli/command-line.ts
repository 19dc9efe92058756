import { inheritedEnvironment, loadConfig } from '../../shared/platform/config.ts';
import { watchInterrupts } from '../../shared/platform/interrupts.ts';
import { outliveReader } from './closed-pipe.ts';
import { exitCodes } from './failure.ts';
import { runCli } from './program.ts';

/** A command line in a terminal, from its arguments to its exit code. */
outliveReader(process.stdout);
outliveReader(process.stderr);
const interrupts = watchInterrupts(() => process.exit(exitCodes.interrupted));
try {
  const terminal = {
    config: loadConfig({ NODE_ENV: 'development', ...inheritedEnvironment() }),
    stdout: process.stdout,
    stderr: process.stderr,
    signal: interrupts.first,
  };
  process.exitCode = await runCli(terminal, process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = exitCodes.usage;
}
