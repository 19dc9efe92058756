import type { Config } from '../../shared/platform/config.ts';
import type { Db } from '../../shared/platform/postgres/db.ts';
import { createFirstKey, installAdminKey } from '../../shared/store/access/api-keys.ts';

/**
 * Makes sure that somebody can log in: with `MUSTER_API_KEY` when it is set, else with a key that the first start
 * of an installation makes.
 * @returns that new key, to be shown once; it is stored nowhere
 */
export async function prepareFirstKey(
  db: Db,
  { MUSTER_API_KEY, DISABLE_AUTH }: Pick<Config, 'MUSTER_API_KEY' | 'DISABLE_AUTH'>,
): Promise<string | undefined> {
  if (MUSTER_API_KEY !== undefined) {
    await installAdminKey(db, MUSTER_API_KEY);
    return undefined;
  }
  return DISABLE_AUTH ? undefined : createFirstKey(db);
}
