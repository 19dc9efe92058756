import { z } from 'zod';
import { decodeCursor, pageFrom } from '../../../../shared/http/pagination.ts';
import {
  createTemplateOperation,
  deleteTemplateOperation,
  getTemplateOperation,
  listTemplatesOperation,
  replaceTemplateOperation,
  type template as templateSchema,
} from '../../../../shared/http/user-templates.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import type { Vault } from '../../../../shared/platform/crypto.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import {
  deleteTemplate,
  insertTemplate,
  listTemplateRows,
  putTemplate,
} from '../../../../shared/store/users/user-templates.ts';
import { tellDeed } from '../../deed.ts';
import { created, noContent, ok, type Route, route } from '../../route.ts';
import {
  builtInTemplates,
  existingTemplate,
  fromRow,
  isBuiltIn,
  type Template,
  toStored,
} from './templates.ts';

export const templateRoutes = ({ vault }: { vault: Vault }): Route[] => [
  route(listTemplatesOperation, async ({ query: { cursor, limit }, db }) => {
    const after = decodeCursor(cursor, z.string().max(64)) ?? '';
    const templates = await templatesAfter(db, after, limit + 1);
    return ok(pageFrom(templates, limit, ({ name }) => name, present));
  }),

  route(getTemplateOperation, async ({ params: { name }, db }) =>
    ok(present(await existingTemplate(db, name))),
  ),

  route(createTemplateOperation, async ({ body: { name, description, config }, ...call }) => {
    const stored = { name, description, ...toStored(vault, config), updatedBy: call.actor.name };
    const row = isBuiltIn(name) ? undefined : await insertTemplate(call.db, stored);
    if (row === undefined)
      throw new AppError('template_exists', `There is a template ${name} already`, {
        hint: `Replace it: PUT /api/bulk-users/config/templates/${name}`,
      });
    await tellDeed(call, 'templates.create', name);
    return created(present(fromRow(row)), `/api/bulk-users/config/templates/${name}`);
  }),

  route(replaceTemplateOperation, async ({ params: { name }, body: { description, config }, ...call }) => {
    await existingTemplate(call.db, name);
    const stored = { name, description, ...toStored(vault, config), updatedBy: call.actor.name };
    const row = await putTemplate(call.db, stored);
    await tellDeed(call, 'templates.replace', name);
    return ok(present(fromRow(row)));
  }),

  route(deleteTemplateOperation, async ({ params: { name }, ...call }) => {
    if (!(await deleteTemplate(call.db, name))) throw nothingToDelete(name);
    await tellDeed(call, 'templates.delete', name);
    return noContent();
  }),
];

const nothingToDelete = (name: string): AppError =>
  isBuiltIn(name)
    ? new AppError('conflict', `The template ${name} is built in, and is as Muster has it`)
    : new AppError('not_found', `There is no template ${name}`);

/** Stored and built-in templates as one list by name; a stored one hides the built-in one of its name. */
async function templatesAfter(db: Executor, after: string, limit: number): Promise<Template[]> {
  const stored = (await listTemplateRows(db, { after, limit })).map(fromRow);
  const names = new Set(stored.map(({ name }) => name));
  const others = builtInTemplates().filter(({ name }) => name > after && !names.has(name));
  return [...stored, ...others].sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, limit);
}

function present({ name, description, config, password, stored }: Template): z.input<typeof templateSchema> {
  return {
    name,
    description,
    built_in: isBuiltIn(name),
    overridden: isBuiltIn(name) && stored !== undefined,
    config,
    has_password: password !== undefined,
    updated_by: stored?.by ?? null,
    updated_at: stored?.at.toISOString() ?? null,
  };
}
