import { Command, CommanderError, Help, type Option } from 'commander';
import { readVersion } from '../../shared/platform/version.ts';
import { addAccountsCommands } from './commands/accounts.ts';
import { addDatasetsCommands } from './commands/datasets.ts';
import { addDemoCommand } from './commands/demo.ts';
import { addHealthCommand } from './commands/health.ts';
import { addJobsCommands } from './commands/jobs.ts';
import { addLoadTestsCommands } from './commands/load-tests.ts';
import { addNotificationsCommands } from './commands/notifications.ts';
import { addSettingsCommands } from './commands/settings.ts';
import { addSnapshotsCommands } from './commands/snapshots.ts';
import { addTemplatesCommands } from './commands/templates.ts';
import { addUsersCommands } from './commands/users.ts';
import { addWorkersCommand } from './commands/workers.ts';
import { type Act, openContext, type Terminal } from './context.ts';
import { CliFailure, exitCodes } from './failure.ts';
import { createOutput, type Output } from './output.ts';

const furtherHelp = `
Environment:
  API             the API, where --api does not say it
  MUSTER_API_KEY  the key; without it that of npm start, for this machine only

Exit codes:
  0    done
  1    the API refused or failed
  2    the command line or a setting is wrong
  3    no API answers
  4    the key is missing, wrong, or may not do this
  5    what was followed failed, was stopped or succeeded only in part; or the run
       compared is worse
  130  Ctrl-C; what was followed goes on

Examples:
  npm run muster -- users create --count 100 --follow
  npm run muster -- load-tests run --users 20 --duration 30s --follow`;

/** As commander has it, and whether there is a choice. */
const optionDescription = (option: Option): string =>
  new Help().optionDescription(option) + (option.mandatory ? ' (required)' : '');

/** Runs one command line (without `node` and the script); gives the exit code. */
export async function runCli(terminal: Terminal, args: string[]): Promise<number> {
  const output = createOutput({ ...terminal, json: args.includes('--json') });
  const program = createProgram(terminal, output);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
    const failure = asFailure(error, terminal.signal);
    output.failure(failure);
    return exitCodes[failure.kind];
  }
}

function createProgram(terminal: Terminal, output: Output): Command {
  const program = new Command('muster')
    .description('Load tests with real accounts: talks to a Muster API over HTTP.')
    .version(readVersion())
    .option('--api <url>', 'the API (default: $API, the local stack, http://127.0.0.1:8080)')
    .option('--json', 'print one JSON document, for machines')
    .configureHelp({ showGlobalOptions: true, optionDescription })
    .addHelpText('after', furtherHelp)
    .configureOutput({
      writeOut: text => void terminal.stdout.write(text),
      writeErr: text => void terminal.stderr.write(text),
      outputError: (text, write) =>
        output.json ? output.failure(new CliFailure('usage', text.trim())) : write(text),
    })
    .exitOverride();
  const act: Act = command =>
    function (this: Command) {
      const context = openContext(terminal, this.optsWithGlobals<{ api?: string; json?: boolean }>());
      const [argument = '', ...more] = this.args;
      return command(context, this.opts(), argument, ...more);
    };
  addUsersCommands(program, act);
  addAccountsCommands(program, act);
  addLoadTestsCommands(program, act);
  addDatasetsCommands(program, act);
  addSnapshotsCommands(program, act);
  addNotificationsCommands(program, act);
  addSettingsCommands(program, act);
  addTemplatesCommands(program, act);
  addJobsCommands(program, act);
  addWorkersCommand(program, act);
  addHealthCommand(program, act);
  addDemoCommand(program, act);
  return program;
}

function asFailure(error: unknown, signal: AbortSignal): CliFailure {
  if (error instanceof CliFailure) return error;
  if (signal.aborted) return new CliFailure('interrupted', 'Interrupted.');
  return new CliFailure('failed', error instanceof Error ? error.message : String(error), { cause: error });
}
