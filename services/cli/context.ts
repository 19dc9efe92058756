import type { Command } from 'commander';
import type { Config } from '../../shared/platform/config.ts';
import { type Client, createClient } from './client.ts';
import { CliFailure } from './failure.ts';
import { locateDeployment } from './locate.ts';
import { createOutput, type Output } from './output.ts';
import type { Screen } from './progress.ts';

/** What the CLI is given by its process. */
export interface Terminal {
  config: Config;
  stdout: Screen;
  stderr: Screen;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}

/** What one command works with. */
export interface Context extends Terminal {
  out: Output;
  /** The API that `--api` names. */
  api: string | undefined;
  /** The API that the options, the environment or the local stack name. */
  connect(): Promise<Client>;
}

/**
 * Turns a command's function into what commander calls: the context first, then its options and arguments. A command
 * without any gets an empty first one.
 */
export type Act = <Options extends object>(
  command: (context: Context, options: Options, argument: string, ...more: string[]) => Promise<void>,
) => (this: Command) => Promise<void>;

export function openContext(terminal: Terminal, options: { api?: string; json?: boolean }): Context {
  const { config, stdout, stderr } = terminal;
  if (options.api !== undefined && !/^https?:$/.test(URL.parse(options.api)?.protocol ?? '')) {
    throw new CliFailure('usage', `--api ${options.api} is not a URL of HTTP`, {
      hint: 'Such as http://127.0.0.1:8080',
    });
  }
  return {
    ...terminal,
    api: options.api,
    out: createOutput({ stdout, stderr, json: options.json ?? false }),
    connect: async () => createClient(await locateDeployment(config, options.api)),
  };
}
