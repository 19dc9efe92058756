import { z } from 'zod';
import { templateParts } from './creation-config.ts';
import { templateName, timestamp } from './fields.ts';
import { defineOperation } from './operation.ts';
import { pageOf, pageQuery } from './pagination.ts';

const tag = 'User templates';
const path = '/api/bulk-users/config/templates';

export const template = z
  .object({
    name: templateName,
    description: z.string(),
    built_in: z.boolean().describe('`default` and `admin` are: they are never gone'),
    overridden: z
      .boolean()
      .describe('A built-in one that is not as Muster has it; deleting it restores that'),
    config: templateParts.describe('Without the password, which is never shown'),
    has_password: z.boolean(),
    updated_by: z.string().nullable().describe('Null while it is as Muster has it'),
    updated_at: timestamp.nullable(),
  })
  .meta({ id: 'UserTemplate' });

const description = z.string().max(500).default('');

export const listTemplatesOperation = defineOperation({
  id: 'listUserTemplates',
  method: 'get',
  path,
  role: 'viewer',
  tag,
  summary: 'Templates of bulk creation, by name',
  query: z.strictObject(pageQuery),
  responses: { 200: { description: 'A page of templates', schema: pageOf(template) } },
});

export const createTemplateOperation = defineOperation({
  id: 'createUserTemplate',
  method: 'post',
  path,
  role: 'operator',
  tag,
  summary: 'Make a template',
  body: z.strictObject({ name: templateName, description, config: templateParts }),
  asWritten: 'custom_attributes',
  responses: { 201: { description: 'The template', schema: template } },
  errors: ['template_exists'],
});

const params = z.strictObject({ name: templateName });

export const getTemplateOperation = defineOperation({
  id: 'getUserTemplate',
  method: 'get',
  path: `${path}/{name}`,
  role: 'viewer',
  tag,
  summary: 'One template',
  params,
  responses: { 200: { description: 'The template', schema: template } },
});

export const replaceTemplateOperation = defineOperation({
  id: 'replaceUserTemplate',
  method: 'put',
  path: `${path}/{name}`,
  role: 'operator',
  tag,
  summary: 'Replace a template, or override a built-in one',
  description: 'The whole template: what `config` leaves out has its default, the password too.',
  params,
  body: z.strictObject({ description, config: templateParts }),
  asWritten: 'custom_attributes',
  responses: { 200: { description: 'The template', schema: template } },
});

export const deleteTemplateOperation = defineOperation({
  id: 'deleteUserTemplate',
  method: 'delete',
  path: `${path}/{name}`,
  role: 'operator',
  tag,
  summary: 'Delete a template, or the override of a built-in one',
  params,
  responses: { 204: { description: 'It is gone, or as Muster has it' } },
  errors: ['conflict'],
});
