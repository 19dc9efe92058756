import { z } from 'zod';
import { refused } from '../../../../shared/http/faults.ts';
import { decodeCursor, pageFrom } from '../../../../shared/http/pagination.ts';
import {
  changeSettingsOperation,
  getSettingsOperation,
  listSettingsHistoryOperation,
} from '../../../../shared/http/settings.ts';
import type { Fault } from '../../../../shared/kernel/errors.ts';
import { recordDeed } from '../../../../shared/store/access/audit-log.ts';
import {
  changeSettings,
  listSettingsHistory,
  type SettingsHistoryRow,
} from '../../../../shared/store/settings.ts';
import { judged, ok, type Route, route } from '../../route.ts';
import { type Ceilings, settingsInForce } from '../../settings-in-force.ts';

export const settingRoutes = (ceilings: Ceilings): Route[] => [
  route(getSettingsOperation, async ({ db }) => ok(await settingsInForce(db, ceilings))),

  judged(async body => faultsOfCeilings(sentChanges.safeParse(body).data, ceilings), changeRoute(ceilings)),

  route(listSettingsHistoryOperation, async ({ query: { cursor, limit, name }, db }) => {
    const before = decodeCursor(cursor, z.int());
    const rows = await listSettingsHistory(db, { name, before, limit: limit + 1 });
    return ok(pageFrom(rows, limit, ({ id }) => id, present));
  }),
];

const changeRoute = (ceilings: Ceilings): Route =>
  route(changeSettingsOperation, async ({ body, actor, requestId, db }) => {
    const faults = faultsOfCeilings(body, ceilings);
    if (faults.length > 0) throw refused(faults);
    const changed = await changeSettings(db, body, actor.name);
    const deed = { actor: actor.name, keyId: actor.keyId, action: 'settings.change', requestId };
    await recordDeed(db, ...changed.map(({ name, ...detail }) => ({ ...deed, subject: name, detail })));
    return ok(await settingsInForce(db, ceilings));
  });

const sentChanges = z.object({ max_bulk_users: z.number().optional() });

function faultsOfCeilings(
  { max_bulk_users = 0 }: z.output<typeof sentChanges> = {},
  { maxBulkUsers = Number.POSITIVE_INFINITY }: Ceilings,
): Fault[] {
  if (max_bulk_users <= maxBulkUsers) return [];
  const detail = `must be at most ${maxBulkUsers}: MAX_BULK_USERS of the environment`;
  return [{ pointer: '/max_bulk_users', code: 'limit_exceeded', detail }];
}

const present = ({ name, from, to, changedBy, changedAt }: SettingsHistoryRow) => ({
  name,
  from,
  to,
  changed_by: changedBy,
  changed_at: changedAt.toISOString(),
});
