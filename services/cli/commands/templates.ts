import type { Command } from 'commander';
import type { z } from 'zod';
import {
  createTemplateOperation,
  deleteTemplateOperation,
  getTemplateOperation,
  listTemplatesOperation,
  replaceTemplateOperation,
  type template as templateSchema,
} from '../../../shared/http/user-templates.ts';
import { wholeNumber } from '../arguments.ts';
import type { Act, Context } from '../context.ts';
import { table } from '../output.ts';

interface TemplateOptions {
  description?: string;
  pattern?: string;
  password?: string;
  domain?: string;
  role?: string;
}

/** `muster templates ...`: what bulk creation takes its parts from. */
export function addTemplatesCommands(program: Command, act: Act): void {
  const templates = program.command('templates').description('templates of bulk creation');
  templates
    .command('list')
    .description('list templates')
    .option('--limit <n>', 'how many', wholeNumber(1))
    .action(act(listTemplates));
  templates.command('show <name>').description('one template').action(act(showTemplate));
  withParts(templates.command('create <name>').description('make a template')).action(
    act((context, options: TemplateOptions, name) => createTemplate(context, options, name)),
  );
  withParts(
    templates.command('replace <name>').description('replace one, or override a built-in one'),
  ).action(act((context, options: TemplateOptions, name) => replaceTemplate(context, options, name)));
  templates
    .command('delete <name>')
    .description('delete one, or the override of a built-in one')
    .action(act(deleteTemplate));
}

const withParts = (command: Command): Command =>
  command
    .option('--description <text>', 'what it is for')
    .option('--pattern <pattern>', 'usernames, with {id} for the number')
    .option('--password <password>', 'the password of all of them')
    .option('--domain <domain>', 'of addresses, where the pattern has none')
    .option('--role <role>', 'their role in the application');

const bodyOf = ({ description, pattern, password, domain, role }: TemplateOptions) => ({
  description,
  config: { username_pattern: pattern, password, email_domain: domain, user_role: role },
});

type Template = z.output<typeof templateSchema>;

const kindOf = ({ built_in, overridden }: Template): string =>
  built_in ? (overridden ? 'overridden' : 'built in') : 'own';

const rows = (templates: Template[]): string[] =>
  table([
    ['TEMPLATE', 'KIND', 'PATTERN', 'ROLE', 'PASSWORD', 'DESCRIPTION'],
    ...templates.map(template => [
      template.name,
      kindOf(template),
      template.config.username_pattern ?? '-',
      template.config.user_role ?? '-',
      template.has_password ? 'yes' : '-',
      template.description,
    ]),
  ]);

async function listTemplates({ out, connect }: Context, { limit }: { limit?: number }): Promise<void> {
  const page = await (await connect()).read(listTemplatesOperation, { query: { limit } });
  out.page(page, ({ items }) => rows(items));
}

async function showTemplate({ out, connect }: Context, _options: object, name: string): Promise<void> {
  out.result(await (await connect()).read(getTemplateOperation, { params: { name } }), found =>
    rows([found]),
  );
}

async function createTemplate(
  { out, connect }: Context,
  options: TemplateOptions,
  name: string,
): Promise<void> {
  const body = { name, ...bodyOf(options) };
  out.result(await (await connect()).make(createTemplateOperation, { body }), made => rows([made]));
}

async function replaceTemplate(
  { out, connect }: Context,
  options: TemplateOptions,
  name: string,
): Promise<void> {
  const client = await connect();
  const input = { params: { name }, body: bodyOf(options) };
  out.result(await client.change(replaceTemplateOperation, input), replaced => rows([replaced]));
}

async function deleteTemplate({ out, connect }: Context, _options: object, name: string): Promise<void> {
  await (await connect()).remove(deleteTemplateOperation, { params: { name } });
  out.result({ name }, () => [`${name} is gone, or as Muster has it`]);
}
