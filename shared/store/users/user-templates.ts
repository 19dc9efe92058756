import { asc, eq, gt, sql } from 'drizzle-orm';
import { type TemplateRow, userTemplates } from '../../../drizzle/platform/schema/settings.ts';
import type { Executor } from '../../platform/db.ts';

/** Templates of bulk creation as they are stored; the built-in ones are not, until somebody overrides them. */
export type { TemplateRow };

type StoredTemplate = Pick<TemplateRow, 'name' | 'description' | 'config' | 'sealedPassword' | 'updatedBy'>;

export async function findTemplateRow(db: Executor, name: string): Promise<TemplateRow | undefined> {
  const [row] = await db.select().from(userTemplates).where(eq(userTemplates.name, name));
  return row;
}

/** Stored templates by name, from `after` on. */
export function listTemplateRows(
  db: Executor,
  { after, limit }: { after: string; limit: number },
): Promise<TemplateRow[]> {
  return db
    .select()
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
  const [row] = await tx.insert(userTemplates).values(template).onConflictDoNothing().returning();
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
    .returning();
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
