import { type Client, createClient } from '../../services/cli/client.ts';
import { CliFailure, describeFailure } from '../../services/cli/failure.ts';
import { locateDeployment } from '../../services/cli/locate.ts';
import { type Config, inheritedEnvironment, loadConfig } from '../../shared/platform/config.ts';

/** What the environment says, which need not be a server's. */
export const scriptConfig = (): Config => loadConfig({ NODE_ENV: 'development', ...inheritedEnvironment() });

/** The deployment that `API` and `MUSTER_API_KEY` name, or else the local stack: as the command line finds it. */
export async function connect(): Promise<Client> {
  return createClient(await locateDeployment(scriptConfig()));
}

/** Runs a script that says whether all is well: exit code 0 when it is, 1 when it is not or cannot be told. */
export async function runScript(isWell: (client: Client) => Promise<boolean>): Promise<void> {
  try {
    process.exitCode = (await isWell(await connect())) ? 0 : 1;
  } catch (error) {
    const lines = error instanceof CliFailure ? describeFailure(error) : [String(error)];
    console.error(lines.join('\n'));
    process.exitCode = 1;
  }
}

export const print = (line: string): void => void process.stdout.write(`${line}\n`);
