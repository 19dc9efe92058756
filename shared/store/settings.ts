import { and, desc, eq, lt, sql } from 'drizzle-orm';
import { settings, settingsHistory } from '../../drizzle/platform/schema/settings.ts';
import { type SettingChanges, type Settings, settingsSchema } from '../contracts/settings.ts';
import type { Executor } from '../platform/postgres/db.ts';
import { holdAdmission } from './jobs/admission.ts';

/**
 * The settings in force. A stored value that no longer fits (an older version wrote it) gives way to the default, so
 * that no process stands still because of it.
 */
export async function readSettings(db: Executor): Promise<Settings> {
  const rows = await db.select({ name: settings.name, value: settings.value }).from(settings);
  const fields: Record<string, { safeParse(value: unknown): { success: boolean } }> = settingsSchema.shape;
  const kept = rows.filter(({ name, value }) => fields[name]?.safeParse(value).success);
  return settingsSchema.parse(Object.fromEntries(kept.map(({ name, value }) => [name, value])));
}

export interface SettingChange {
  name: string;
  from: unknown;
  to: unknown;
}

/**
 * Changes settings, with their history; gives those that were not so already. Changes come one after the other, and
 * after every submission of work that began before.
 */
export async function changeSettings(
  tx: Executor,
  changes: SettingChanges,
  changedBy: string,
): Promise<SettingChange[]> {
  await holdAdmission(tx);
  const before: Record<string, unknown> = await readSettings(tx);
  const made = Object.entries(changes)
    .map(([name, to]): SettingChange => ({ name, from: before[name], to }))
    .filter(({ from, to }) => from !== to);
  if (made.length === 0) return [];
  const rows = JSON.stringify(made.map(change => ({ ...change, by: changedBy })));
  await tx.execute(sql`
    with made as (
      select * from jsonb_to_recordset(${rows}::jsonb) as made (name text, "from" jsonb, "to" jsonb, by text)
    ), stored as (
      insert into settings (name, value, updated_by)
      select name, coalesce("to", 'null'), by from made
      on conflict (name) do update set value = excluded.value, updated_by = excluded.updated_by, updated_at = now()
    )
    insert into settings_history (name, from_value, to_value, changed_by)
    select name, coalesce("from", 'null'), coalesce("to", 'null'), by from made order by name`);
  return made;
}

export type SettingsHistoryRow = typeof settingsHistory.$inferSelect;

/** Changes of settings, newest first. */
export function listSettingsHistory(
  db: Executor,
  { name, before, limit }: { name?: string | undefined; before?: number | undefined; limit: number },
): Promise<SettingsHistoryRow[]> {
  return db
    .select()
    .from(settingsHistory)
    .where(
      and(
        name === undefined ? undefined : eq(settingsHistory.name, name),
        before === undefined ? undefined : lt(settingsHistory.id, before),
      ),
    )
    .orderBy(desc(settingsHistory.id))
    .limit(limit);
}
