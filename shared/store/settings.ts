import { settings } from '../../drizzle/platform/schema/settings.ts';
import { type Settings, settingsSchema } from '../contracts/settings.ts';
import type { Executor } from '../platform/db.ts';

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
