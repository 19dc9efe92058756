import {
  defaultPassword,
  type TemplateParts,
  templateParts,
} from '../../../../shared/http/creation-config.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import type { Vault } from '../../../../shared/platform/crypto.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import { findTemplateRow, type TemplateRow } from '../../../../shared/store/users/user-templates.ts';

/** A template in force: stored, or built in and not overridden. */
export interface Template {
  name: string;
  description: string;
  /** What the template sets, its password apart. */
  config: Omit<TemplateParts, 'password'>;
  /** A template is shown without its password being opened. */
  password: { plain: string } | { sealed: string } | undefined;
  stored: { by: string; at: Date } | undefined;
}

/** The two templates that the source documents ask for. */
const builtIn: Record<string, Template> = {
  default: {
    name: 'default',
    description: 'Plain users; in force where a request names no template',
    config: {
      username_pattern: 'testuser_{id}@example.com',
      email_domain: 'example.com',
      user_role: 'user',
    },
    password: { plain: defaultPassword },
    stored: undefined,
  },
  admin: {
    name: 'admin',
    description: 'Users with the role admin in the application',
    config: {
      username_pattern: 'admin_{id}@example.com',
      email_domain: 'example.com',
      user_role: 'admin',
    },
    password: { plain: 'AdminPass123!' },
    stored: undefined,
  },
};

export const isBuiltIn = (name: string): boolean => Object.hasOwn(builtIn, name);
export const builtInTemplates = (): Template[] => Object.values(builtIn);

export async function findTemplate(db: Executor, name: string): Promise<Template | undefined> {
  const row = await findTemplateRow(db, name);
  if (row !== undefined) return fromRow(row);
  return isBuiltIn(name) ? builtIn[name] : undefined;
}

/** @throws 404 when there is no such template */
export async function existingTemplate(db: Executor, name: string): Promise<Template> {
  const template = await findTemplate(db, name);
  if (template !== undefined) return template;
  throw new AppError('not_found', `There is no template ${name}`, {
    hint: 'GET /api/bulk-users/config/templates lists them.',
  });
}

/** A stored part that no longer fits (an older version wrote it) gives way to its default. */
export function fromRow(row: TemplateRow): Template {
  const { name, description, config, sealedPassword } = row;
  const fields: Record<string, { safeParse(value: unknown): { success: boolean } }> = templateParts.shape;
  const kept = Object.entries(config).filter(([part, value]) => fields[part]?.safeParse(value).success);
  const { password: _, ...parts } = templateParts.parse(Object.fromEntries(kept));
  const password = sealedPassword === null ? undefined : { sealed: sealedPassword };
  return { name, description, config: parts, password, stored: { by: row.updatedBy, at: row.updatedAt } };
}

/** What a template gives to a request, its password opened. */
export function partsOf({ config, password }: Template, vault: Vault): TemplateParts {
  if (password === undefined) return config;
  return { ...config, password: 'plain' in password ? password.plain : vault.open(password.sealed) };
}

/** How a template is stored: the password apart, and encrypted. */
export function toStored(vault: Vault, { password, ...config }: TemplateParts) {
  return { config, sealedPassword: password === undefined ? null : vault.seal(password) };
}
