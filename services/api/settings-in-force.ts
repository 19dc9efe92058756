import type { Settings } from '../../shared/contracts/settings.ts';
import type { Executor } from '../../shared/platform/postgres/db.ts';
import { readSettings } from '../../shared/store/settings.ts';

/** What the environment of this process allows at most, whatever the settings say. */
export interface Ceilings {
  /** `MAX_BULK_USERS` */
  maxBulkUsers: number | undefined;
}

/** The settings as they hold here: none beyond what the environment allows. */
export async function settingsInForce(db: Executor, { maxBulkUsers }: Ceilings): Promise<Settings> {
  const settings = await readSettings(db);
  const { max_bulk_users } = settings;
  return { ...settings, max_bulk_users: Math.min(max_bulk_users, maxBulkUsers ?? max_bulk_users) };
}
