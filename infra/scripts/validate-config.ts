/**
 * `npm run validate-config [-- FILE]`: has a running API judge the configuration of bulk creation in a JSON or YAML file
 * (a config, or the body of POST /api/bulk-users/create); without a file the one of the troubleshooting guide, and every
 * template. A file for MUSTER_CONFIG is judged here, as an api does when it starts with it. API and MUSTER_API_KEY name
 * another API than the local stack. Exit code 1 when one is not valid.
 */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { readConfigFile } from '../../services/api/config-file/read.ts';
import { configFileSchema } from '../../services/api/config-file/schema.ts';
import type { Client } from '../../services/cli/client.ts';
import { validateConfigOperation } from '../../shared/http/config-validation.ts';
import { listTemplatesOperation } from '../../shared/http/user-templates.ts';
import { type Fault, isAppError } from '../../shared/kernel/errors.ts';
import { print, runScript, scriptConfig } from './deployment.ts';

const guideConfig = {
  username_pattern: 'test_{id}@example.com',
  password: 'TestPass123!',
  email_domain: 'example.com',
  batch_size: 100,
};

/** What an API is to validate, with its name. */
async function candidates(client: Client): Promise<[string, unknown][]> {
  const { items } = await client.read(listTemplatesOperation, { query: { limit: 1000 } });
  const templates = items.map(({ name }): [string, unknown] => [`template ${name}`, { template: name }]);
  return [['the guide', guideConfig], ...templates];
}

function printFaults(severity: string, faults: Fault[]): void {
  for (const { pointer, code, detail } of faults)
    print(`  ${severity.padEnd(8)} ${pointer || '(body)'} ${detail} [${code}]`);
}

/** Has the API judge it; gives whether it is valid. */
async function judge(client: Client, name: string, body: unknown): Promise<boolean> {
  const { is_valid, errors, warnings, preview } = await client.change(validateConfigOperation, { body });
  print(is_valid ? `VALID   ${name}: ${preview.slice(0, 2).join(', ')}, ...` : `INVALID ${name}`);
  printFaults('error', errors);
  printFaults('warning', warnings);
  return is_valid;
}

const isConfigFile = (content: unknown): boolean =>
  typeof content === 'object' &&
  content !== null &&
  Object.keys(configFileSchema.shape).some(section => section in content);

async function judgeConfigFile(path: string): Promise<boolean> {
  try {
    await readConfigFile(path, { maxBulkUsers: scriptConfig().MAX_BULK_USERS });
    print(`VALID   MUSTER_CONFIG=${path}`);
    return true;
  } catch (error) {
    if (!isAppError(error)) throw error;
    print(`INVALID ${error.message}`);
    return false;
  }
}

async function judgeFile(client: Client, path: string): Promise<boolean> {
  const content: unknown = parse(await readFile(path, 'utf8'));
  return isConfigFile(content) ? judgeConfigFile(path) : judge(client, path, content);
}

await runScript(async client => {
  const path = process.argv[2];
  if (path !== undefined) return judgeFile(client, path);
  let allValid = true;
  for (const [name, body] of await candidates(client))
    allValid = (await judge(client, name, body)) && allValid;
  return allValid;
});
