/**
 * `npm run validate-config [-- FILE]`: has a running API judge the configuration of bulk creation in a JSON or YAML file
 * (a config, or the body of POST /api/bulk-users/create); without a file the one of the troubleshooting guide, and every
 * template. API and MUSTER_API_KEY name another API than the local stack. Exit code 1 when one is not valid.
 */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import type { z } from 'zod';
import type { Client } from '../../services/cli/client.ts';
import { validateConfigOperation, type validation } from '../../shared/http/config-validation.ts';
import { listTemplatesOperation } from '../../shared/http/user-templates.ts';
import { print, runScript } from './deployment.ts';

const guideConfig = {
  username_pattern: 'test_{id}@example.com',
  password: 'TestPass123!',
  email_domain: 'example.com',
  batch_size: 100,
};

/** What to validate, with its name. */
async function candidates(client: Client, path: string | undefined): Promise<[string, unknown][]> {
  if (path !== undefined) return [[path, parse(await readFile(path, 'utf8'))]];
  const { items } = await client.read(listTemplatesOperation, { query: { limit: 1000 } });
  const templates = items.map(({ name }): [string, unknown] => [`template ${name}`, { template: name }]);
  return [['the guide', guideConfig], ...templates];
}

function report(name: string, { is_valid, errors, warnings, preview }: z.output<typeof validation>): void {
  print(
    `${is_valid ? 'VALID  ' : 'INVALID'} ${name}${is_valid ? `: ${preview.slice(0, 2).join(', ')}, ...` : ''}`,
  );
  for (const { pointer, code, detail } of errors)
    print(`  error    ${pointer || '(body)'} ${detail} [${code}]`);
  for (const { pointer, code, detail } of warnings)
    print(`  warning  ${pointer || '(body)'} ${detail} [${code}]`);
}

await runScript(async client => {
  let allValid = true;
  for (const [name, body] of await candidates(client, process.argv[2])) {
    const found = await client.change(validateConfigOperation, { body });
    report(name, found);
    allValid &&= found.is_valid;
  }
  return allValid;
});
