import { asc, eq, getTableColumns, gt, sql } from 'drizzle-orm';
import { type TemplateRow, userTemplates } from '../../../drizzle/platform/schema/settings.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { jsonAsWritten } from '../json-columns.ts';

/** Templates of bulk creation as they are stored; the built-in ones are not, until somebody overrides them. */
export type { TemplateRow };

/** All columns, custom attributes with their numbers as they were sent. */
const templateColumns = { ...getTableColumns(userTemplates), config: jsonAsWritten(userTemplates.config) };

type StoredTemplate = Pick<TemplateRow, 'name' | 'description' | 'config' | 'sealedPassword' | 'updatedBy'>;

export async function findTemplateRow(db: Executor, name: string): Promise<TemplateRow | undefined> {
  const [row] = await db.select(templateColumns).from(userTemplates).where(eq(userTemplates.name, name));
  return row;
}

/** Stored templates by name, from `after` on. */
export function listTemplateRows(
  db: Executor,
  { after, limit }: { after: string; limit: number },
): Promise<TemplateRow[]> {
  return db
    .select(templateColumns)
    .from(userTemplates)
    .where(gt(sql`${userTemplates.name} collate "C"`, after))
    .orderBy(asc(sql`${userTemplates.name} collate "C"`))
    .limit(limit);
}

/** Stores a new template; undefined when its name is taken. */
export async function insertTemplate(
  tx: Executor,
  template: StoredTemplate,
): Promise<TemplateRow | undefined> {
  const [row] = await tx
    .insert(userTemplates)
    .values(template)
    .onConflictDoNothing()
    .returning(templateColumns);
  return row;
}

/** Stores templates, each in the place of the one of its name, if there is one. */
export async function putTemplates(tx: Executor, templates: StoredTemplate[]): Promise<TemplateRow[]> {
  if (templates.length === 0) return [];
  return tx
    .insert(userTemplates)
    .values(templates)
    .onConflictDoUpdate({
      target: userTemplates.name,
      set: {
        description: sql`excluded.description`,
        config: sql`excluded.config`,
        sealedPassword: sql`excluded.sealed_password`,
        updatedBy: sql`excluded.updated_by`,
        updatedAt: sql`now()`,
      },
    })
    .returning(templateColumns);
}

export async function putTemplate(tx: Executor, template: StoredTemplate): Promise<TemplateRow> {
  const [row] = await putTemplates(tx, [template]);
  if (row === undefined) throw new Error(`The template ${template.name} was stored and is not there`);
  return row;
}

export async function deleteTemplate(tx: Executor, name: string): Promise<boolean> {
  const deleted = await tx.delete(userTemplates).where(eq(userTemplates.name, name));
  return deleted.count > 0;
}
