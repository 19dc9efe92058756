import { z } from 'zod';
import { refuse } from '../../../../shared/http/faults.ts';
import { decodeCursor, pageFrom } from '../../../../shared/http/pagination.ts';
import {
  changeSettingsOperation,
  getSettingsOperation,
  listSettingsHistoryOperation,
} from '../../../../shared/http/settings.ts';
import { recordDeed } from '../../../../shared/store/access/audit-log.ts';
import {
  changeSettings,
  listSettingsHistory,
  type SettingsHistoryRow,
} from '../../../../shared/store/settings.ts';
import { ok, type Route, route } from '../../route.ts';
import { type Ceilings, settingsInForce } from '../../settings-in-force.ts';

export const settingRoutes = (ceilings: Ceilings): Route[] => [
  route(getSettingsOperation, async ({ db }) => ok(await settingsInForce(db, ceilings))),

  route(changeSettingsOperation, async ({ body, actor, requestId, db }) => {
    const { maxBulkUsers = Number.POSITIVE_INFINITY } = ceilings;
    if ((body.max_bulk_users ?? 0) > maxBulkUsers)
      throw refuse(
        '/max_bulk_users',
        'limit_exceeded',
        `must be at most ${maxBulkUsers}: MAX_BULK_USERS of the environment`,
      );
    const changed = await changeSettings(db, body, actor.name);
    const deed = { actor: actor.name, keyId: actor.keyId, action: 'settings.change', requestId };
    await recordDeed(db, ...changed.map(({ name, ...detail }) => ({ ...deed, subject: name, detail })));
    return ok(await settingsInForce(db, ceilings));
  }),

  route(listSettingsHistoryOperation, async ({ query: { cursor, limit, name }, db }) => {
    const before = decodeCursor(cursor, z.int());
    const rows = await listSettingsHistory(db, { name, before, limit: limit + 1 });
    return ok(pageFrom(rows, limit, ({ id }) => id, present));
  }),
];

const present = ({ name, from, to, changedBy, changedAt }: SettingsHistoryRow) => ({
  name,
  from,
  to,
  changed_by: changedBy,
  changed_at: changedAt.toISOString(),
});
